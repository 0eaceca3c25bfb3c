//! What the wheel is made of: eight levels of 64 slots, each level 64 times as coarse as the one below.
//!
//! ```text
//!    deadline in ns   │ 3 bits │ 6 │ 6 │ 6 │ 6 │ 6 │ 6 │ 6 │   17 bits   │
//!                     └── 7 ───┴ 6 ┴ 5 ┴ 4 ┴ 3 ┴ 2 ┴ 1 ┴ 0 ┘             │
//!                        level: one digit of the tick each    within a tick (131 us)
//! ```
//!
//! A timer lies on the level of the **highest digit in which its tick differs from the wheel's**, in the slot of that
//! digit's value. When the wheel's tick comes to the start of a slot, its timers move down a level or more; on level 0
//! they are due, one by one, to the nanosecond. Three things follow:
//!
//! W1. On each level the occupied slots have digits above the wheel's (on level 0 also the wheel's own): nothing wraps
//! round. All timers of a level come before all timers of the next one. So the first timer is in the lowest slot of the
//! lowest level that has any, and two bit scans find it.
//!
//! W2. The levels cover all 62 bits: there is no deadline beyond the wheel's span, and no uptime at which anything special
//! happens. (A wheel that wraps round has to tell a slot of this round from the same slot of the next one, and must not
//! forget to.) Two levels more than 104 days would need take three kilobytes.
//!
//! W3. Timers of one slot stay in the order in which they came, also on their way down: equal deadlines are always in the
//! same slot, and fire in the order of registration.
//!
//! W4. A timer lies at all times where it would be put now: the tick never passes a slot that has timers, and without that no
//! digit above a slot's changes. So no timer needs to know its slot.
//!
//! W5. A slot above level 0 moves down a few thousand timers at a time, so that a million of them keep neither their worker
//! nor the lock for long. What is left of it is the *descent*. As long as there is one, the wheel stays where it is, nothing
//! fires, and the next deadline is one that has passed, so that the worker comes back; a timer that belongs to that slot
//! enters the descent at its end, behind those that came before it (W3).
//!
//! A slot knows its earliest deadline. When that very timer is cancelled, the value stays as a bound that is too early;
//! on level 0, where slots are short, it is made exact when asked for, elsewhere it costs at most one wake-up for nothing.
//!
//! Rejected: a heap (logarithmic, and no cancelling in place); firing whole ticks (early or late by 131 us); a queue of
//! cancelled timers for the owner to work off (memory that is freed late, by whoever is busy).
//!
//! Source: George Varghese and Tony Lauck, "Hashed and Hierarchical Timing Wheels", SOSP 1987.

use std::ptr::NonNull;
use std::task::Waker;

use pelmeni_core::primitive::seeded;

use crate::Deadline;
use crate::node::{List, Node};

/// A tick is `2^17` ns: slots on level 0 are about as long as the kernel needs to wake a thread.
const TICK_BITS: u32 = 17;
const DIGIT_BITS: u32 = 6;
const SLOTS: usize = 1 << DIGIT_BITS;
const LEVELS: usize = (Deadline::BITS - TICK_BITS).div_ceil(DIGIT_BITS) as usize;

/// The timers of one worker, without a lock.
pub(crate) struct Levels {
    /// The wheel's tick: no timer before it is left, except those that came late.
    tick: u64,
    /// Which levels have timers.
    inhabited: u8,
    /// Which slots of a level have timers.
    occupied: [u64; LEVELS],
    /// Which slots have an `earliest` that is only a bound.
    inexact: [u64; LEVELS],
    slots: Box<[Slot]>,
    descent: Descent,
    /// How many timers move down at a time.
    stride: usize,
    pub(crate) closed: bool,
    /// The due timers of one call of `fire`, kept for its memory.
    due: Vec<Due>,
    /// Their order, kept for its memory.
    order: Vec<u64>,
    /// What a list's walk from behind finds, kept for its memory.
    back: Vec<NonNull<Node>>,
}

#[derive(Default)]
struct Slot {
    list: List,
    /// The earliest deadline in the list, or a bound before it.
    earliest: u64,
}

/// What is left of a slot that the wheel has come to, while it moves down.
#[derive(Default)]
struct Descent {
    list: List,
    /// How many bits of a tick are below the slot's level, and what those above are in this slot.
    shift: u32,
    prefix: u64,
}

struct Due {
    deadline: Deadline,
    /// `None` once it was taken.
    waker: Option<Waker>,
}

/// How many bits of a key in `order` are the place among the due timers.
const PLACE_BITS: u32 = 24;

// SAFETY: the lists hold pointers to nodes, which are touched only under the lock, by whichever thread has it (N1).
unsafe impl Send for Levels {}

impl Levels {
    /// Levels without timers.
    pub(crate) fn new(now: Deadline, stride: usize) -> Levels {
        Levels {
            tick: tick_of(now),
            inhabited: 0,
            occupied: [0; LEVELS],
            inexact: [0; LEVELS],
            slots: std::iter::repeat_with(Slot::default).take(LEVELS * SLOTS).collect(),
            descent: Descent::default(),
            stride,
            closed: false,
            due: Vec::new(),
            order: Vec::new(),
            back: Vec::new(),
        }
    }

    /// Moves the wheel to `now`: who is near moves down, who is due goes to `due`. It stops where a descent is left.
    pub(crate) fn advance(&mut self, now: Deadline) {
        let target = tick_of(now);
        if !self.descend() {
            return;
        }
        while let Some((level, digit)) = self.first() {
            let start = self.start(level, digit);
            if start > target {
                break;
            }
            self.tick = self.tick.max(start);
            let list = self.vacate(level, digit);
            if level > 0 {
                self.begin_descent(list, level);
                if !self.descent.list.is_empty() {
                    return;
                }
                continue;
            }
            let settle = |levels: &mut Levels, node| {
                // SAFETY: it was in the list a moment ago and has not been told that it is out (N2, N3).
                unsafe { levels.settle(node, now) };
            };
            // SAFETY: only the links of the node that is shown are touched, or those of nodes in other lists.
            unsafe { self.drain(list, usize::MAX, settle) };
            if start == target {
                // What is left in this slot is due within the tick, but not yet.
                break;
            }
        }
        // No slot begins between the old tick and the new one, so everyone is where he should be (W1).
        self.tick = self.tick.max(target);
    }

    /// Moves the timers of a slot down that the wheel has come to, as far as one stride goes.
    fn begin_descent(&mut self, list: List, level: usize) {
        let link = |levels: &mut Levels, node| {
            // SAFETY: it was in the list a moment ago, and is linked for as long as the lock is held (N2).
            unsafe { levels.link(node) };
        };
        // SAFETY: only the links of the node that is shown are touched, or those of nodes in other lists.
        let left = unsafe { self.drain(list, self.stride, link) };
        let shift = level as u32 * DIGIT_BITS;
        self.descent = Descent { list: left, shift, prefix: self.tick >> shift };
    }

    /// Moves another stride of the descent down; says whether nothing is left.
    fn descend(&mut self) -> bool {
        for _ in 0..self.stride {
            // SAFETY: the lock is held (N1).
            let Some(node) = (unsafe { self.descent.list.pop() }) else { break };
            // SAFETY: it was in the list a moment ago, and is linked for as long as the lock is held (N2).
            unsafe { self.link(node) };
        }
        self.descent.list.is_empty()
    }

    /// Shows the nodes of a list that was taken out; see [`List::drain`].
    ///
    /// # Safety
    /// `f` leaves the links of nodes alone that were not shown yet.
    unsafe fn drain(
        &mut self,
        list: List,
        limit: usize,
        f: impl Fn(&mut Levels, NonNull<Node>),
    ) -> List {
        let mut back = std::mem::take(&mut self.back);
        // SAFETY: the lock is held (N1), the caller vouches for `f`.
        let left = unsafe { list.drain(limit, &mut back, |node| f(self, node)) };
        self.back = back;
        left
    }

    /// Appends the wakers of all due timers in the order of their deadlines, equal ones in that of registration (W3).
    pub(crate) fn take_due(&mut self, wakers: &mut Vec<Waker>) -> usize {
        let (due, order) = (&mut self.due, &mut self.order);
        let count = due.len();
        let nanos = || due.iter().map(|due| due.deadline.as_nanos());
        let (first, last) = (nanos().min().unwrap_or(0), nanos().max().unwrap_or(0));
        if last - first < 1 << (u64::BITS - PLACE_BITS) && count <= 1 << PLACE_BITS {
            // As a rule: what is sorted is one word for each, the deadline on top of the place.
            let key = |(place, nanos): (usize, u64)| (nanos - first) << PLACE_BITS | place as u64;
            order.clear();
            order.extend(nanos().enumerate().map(key));
            order.sort_unstable();
            let place = |key: &u64| (key % (1 << PLACE_BITS)) as usize;
            wakers.extend(order.iter().filter_map(|key| due[place(key)].waker.take()));
            due.clear();
        } else {
            due.sort_by_key(|due| due.deadline);
            wakers.extend(due.drain(..).filter_map(|due| due.waker));
        }
        count
    }

    /// Fires a node that is in no list, or links it where it belongs.
    ///
    /// # Safety
    /// The node is alive and linked, but in no list.
    unsafe fn settle(&mut self, node: NonNull<Node>, now: Deadline) {
        // SAFETY: the caller vouches for the node.
        let shared = unsafe { node.as_ref() };
        let deadline = shared.alarm.deadline();
        if !deadline.has_passed(now) {
            // SAFETY: it is in no list, and stays alive while it is linked (N2).
            unsafe { self.link(node) };
            return;
        }
        // SAFETY: the lock is held, and the node is taken out.
        let mut waker = unsafe { shared.take_waker() };
        if seeded(271) {
            waker.take().into_iter().for_each(Waker::wake);
        }
        self.due.push(Due { deadline, waker });
        // The last touch (N3).
        shared.alarm.fire();
    }

    /// Puts a node where it belongs, or behind those that are about to go there (W5).
    ///
    /// # Safety
    /// The node is in no list and stays where it is until it is taken out (N2).
    pub(crate) unsafe fn insert(&mut self, node: NonNull<Node>) {
        // SAFETY: the caller vouches for the node.
        let tick = tick_of(unsafe { node.as_ref() }.alarm.deadline()).max(self.tick);
        if self.descent.covers(tick) && !seeded(259) {
            // SAFETY: the lock is held, the caller vouches for the node.
            unsafe { self.descent.list.push(node) };
        } else {
            // SAFETY: the caller vouches for the node.
            unsafe { self.link(node) };
        }
    }

    /// Puts a node into its slot.
    ///
    /// # Safety
    /// As [`insert`](Levels::insert).
    unsafe fn link(&mut self, node: NonNull<Node>) {
        // SAFETY: the caller vouches for the node.
        let deadline = unsafe { node.as_ref() }.alarm.deadline();
        let (level, digit) = self.place(tick_of(deadline));
        let bit = 1 << digit;
        let slot = &mut self.slots[level * SLOTS + digit];
        if slot.list.is_empty() || deadline.as_nanos() <= slot.earliest {
            slot.earliest = deadline.as_nanos();
            self.inexact[level] &= !bit;
        }
        // SAFETY: the lock is held, the caller vouches for the node.
        unsafe { slot.list.push(node) };
        self.occupied[level] |= bit;
        self.inhabited |= 1 << level;
    }

    /// Takes a node out of its list.
    ///
    /// # Safety
    /// The node is in a list of this wheel.
    pub(crate) unsafe fn remove(&mut self, node: NonNull<Node>) {
        if self.descent.list.has_at_an_end(node) {
            // SAFETY: it is in that list.
            unsafe { self.descent.list.remove(node) };
            return;
        }
        // SAFETY: it is in a list, so it is alive (N2).
        let deadline = unsafe { node.as_ref() }.alarm.deadline();
        // Where it was put is where it would be put now (W4); or it is in the midst of the descent, which it leaves as it would
        // leave any list.
        let (level, digit) = self.place(tick_of(deadline));
        let slot = level * SLOTS + digit;
        // SAFETY: it is in the list of the slot that it names, or in the midst of another one.
        unsafe { self.slots[slot].list.remove(node) };
        if self.slots[slot].list.is_empty() {
            self.vacate(level, digit);
        } else if deadline.as_nanos() <= self.slots[slot].earliest {
            self.inexact[level] |= 1 << digit;
        }
    }

    /// Takes a whole list out.
    fn vacate(&mut self, level: usize, digit: usize) -> List {
        self.occupied[level] &= !(1 << digit);
        if self.occupied[level] == 0 {
            self.inhabited &= !(1 << level);
        }
        std::mem::take(&mut self.slots[level * SLOTS + digit].list)
    }

    /// Takes all timers of the descent out, or else those of the first slot.
    pub(crate) fn take_some(&mut self) -> Option<List> {
        if !self.descent.list.is_empty() {
            return Some(std::mem::take(&mut self.descent.list));
        }
        let (level, digit) = self.first()?;
        Some(self.vacate(level, digit))
    }

    /// What the wheel has told, or would tell, as its next deadline at the latest: no one sleeps for it beyond this. What it
    /// told before the descent is not known any more.
    pub(crate) fn bound(&self) -> Deadline {
        if !self.descent.list.is_empty() {
            return Deadline::NEVER;
        }
        let Some((level, digit)) = self.first() else { return Deadline::NEVER };
        Deadline::from_nanos(self.slots[level * SLOTS + digit].earliest)
    }

    /// Before this time there is nothing to do: no timer is due, and none moves down.
    pub(crate) fn next_move(&self) -> Deadline {
        if !self.descent.list.is_empty() {
            return Deadline::ZERO;
        }
        match self.first() {
            Some((level, digit)) if level > 0 => {
                Deadline::from_nanos(self.start(level, digit) << TICK_BITS)
            }
            _ => self.bound(),
        }
    }

    /// The bound, made exact if that is cheap.
    pub(crate) fn next_deadline(&mut self) -> Option<Deadline> {
        if !self.descent.list.is_empty() && !seeded(260) {
            return Some(Deadline::from_nanos(self.tick << TICK_BITS));
        }
        let (level, digit) = self.first()?;
        let bit = 1 << digit;
        let slot = &mut self.slots[level * SLOTS + digit];
        if level == 0 && self.inexact[level] & bit != 0 {
            // SAFETY: the lock is held (N1).
            slot.earliest = unsafe { slot.list.earliest() }?.as_nanos();
            self.inexact[level] &= !bit;
        }
        Some(Deadline::from_nanos(slot.earliest))
    }

    /// The slot of the first timers (W1).
    fn first(&self) -> Option<(usize, usize)> {
        let level = self.inhabited.trailing_zeros() as usize;
        let occupied = self.occupied.get(level)?;
        Some((level, occupied.trailing_zeros() as usize))
    }

    /// Where a timer of this tick belongs. One that comes late belongs to the present.
    fn place(&self, tick: u64) -> (usize, usize) {
        let tick = tick.max(self.tick);
        let level = (tick ^ self.tick).checked_ilog2().unwrap_or(0) / DIGIT_BITS;
        let digit = (tick >> (level * DIGIT_BITS)) as usize % SLOTS;
        (level as usize, digit)
    }

    /// The first tick of a slot: the wheel's digits above its level, its own, zeros below.
    fn start(&self, level: usize, digit: usize) -> u64 {
        let shift = level as u32 * DIGIT_BITS;
        let above = self.tick >> (shift + DIGIT_BITS) << DIGIT_BITS;
        (above | digit as u64) << shift
    }
}

impl Descent {
    /// Says whether a timer of this tick belongs to the slot.
    #[inline]
    fn covers(&self, tick: u64) -> bool {
        !self.list.is_empty() && tick >> self.shift == self.prefix
    }
}

/// The tick in which an instant lies.
fn tick_of(deadline: Deadline) -> u64 {
    deadline.as_nanos() >> TICK_BITS
}
