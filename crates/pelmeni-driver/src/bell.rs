//! How a thread that waits for the kernel is called back: the word that says whether it must be.
//!
//! ```text
//!              1 listen                       1 listen: do not sleep
//!     QUIET ─────────────► LISTENING       RUNG ─────────────► LISTENING
//!       │  ◄───────────────   │             ▲  │
//!       │      3 answer       │ 2 ring: and │  │ 3 answer
//!       │ 2 ring              │ the poller  │  ▼
//!       └──────────► RUNG     └─────────────┘  QUIET
//! ```
//!
//! | edge | function | who |
//! |---|---|---|
//! | 1 | [`Bell::listen`] | the thread with the turn, before it sleeps |
//! | 2 | [`Bell::ring`] | anyone |
//! | 3 | [`Bell::answer`] | the thread with the turn, after it slept |
//!
//! Who has something for the sleeper makes it visible and then rings. Only the ring that finds it listening costs a system
//! call; the others find the bell ringing, or leave it so for the next one who would sleep.
//!
//! **Every edge is a swap, also the ring that changes nothing.** Swaps of one word are in one order and each sees all that
//! came before the earlier ones. So the sleeper, when it answers or when it listens, sees what was published before each
//! ring that came earlier, and a ring that comes later finds it listening. A ring that only *looked* at the word and left
//! when it was RUNG would publish nothing: the sleeper could answer, not see the second message, and sleep on it. (The
//! poller's own notification, in the `polling` crate, coalesces in just this way; with the bell in front of it that is
//! harmless, because each of its calls belongs to a sleep of its own.)
//!
//! Ordering: AcqRel, paired with each other. No fence is needed beside it, since there is one word only.

use pelmeni_core::primitive::atomic::{AtomicU8, AtomicUsize, Ordering};
use pelmeni_core::primitive::seeded;

/// Nobody sleeps, nobody rang.
const QUIET: u8 = 0;
/// The thread with the turn sleeps or is about to.
const LISTENING: u8 = 1;
/// Somebody rang: a sleep ends, or does not begin.
const RUNG: u8 = 2;

/// The bell of a driver.
#[derive(Debug)]
pub(crate) struct Bell {
    word: AtomicU8,
    /// How often a thread has begun to listen, and how often one has answered: odd while one is in between. Beside the word,
    /// which forgets it when somebody rings. Only the thread with the turn writes it.
    waits: AtomicUsize,
}

impl Bell {
    pub(crate) fn new() -> Bell {
        Bell { word: AtomicU8::new(QUIET), waits: AtomicUsize::new(0) }
    }

    /// Announces a sleep. The answer is whether it may begin; if not, somebody rang before.
    #[must_use]
    pub(crate) fn listen(&self) -> bool {
        self.count();
        // AcqRel: pairs with the swap in `ring`: either we see RUNG and what was published before it, or it sees us.
        self.word.swap(LISTENING, Ordering::AcqRel) != RUNG
    }

    /// Ends the sleep. Whatever was published before a ring is visible now, or that ring is still to come.
    pub(crate) fn answer(&self) {
        self.count();
        if seeded(81) {
            // The bug: whoever rang in the meantime is wiped out unseen.
            self.word.store(QUIET, Ordering::Release);
            return;
        }
        // AcqRel: pairs with the swap in `ring`.
        self.word.swap(QUIET, Ordering::AcqRel);
    }

    fn count(&self) {
        let waits = self.waits.load(Ordering::Relaxed);
        // Release: pairs with the Acquire in wait_number.
        self.waits.store(waits.wrapping_add(1), Ordering::Release);
    }

    /// Says whether a thread waits or is about to. Relaxed: it may be old, and nothing follows from it but a look.
    pub(crate) fn is_heard(&self) -> bool {
        is_heard(self.waits.load(Ordering::Relaxed))
    }

    /// The number of the wait that is going on or about to begin, if there is one; each is larger than those before.
    pub(crate) fn wait_number(&self) -> Option<usize> {
        // Acquire: pairs with the Release in count, so that one who has come from another bell is seen to have left that.
        Some(self.waits.load(Ordering::Acquire)).filter(|waits| is_heard(*waits))
    }

    /// Rings. The answer is whether a thread sleeps and the poller has to end it.
    #[must_use]
    pub(crate) fn ring(&self) -> bool {
        if seeded(8) && self.word.load(Ordering::Relaxed) == RUNG {
            // The bug: a look publishes nothing.
            return false;
        }
        // AcqRel: pairs with the swaps in `listen` and `answer`.
        self.word.swap(RUNG, Ordering::AcqRel) == LISTENING
    }
}

fn is_heard(waits: usize) -> bool {
    waits % 2 == 1
}
