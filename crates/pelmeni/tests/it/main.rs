//! Scenarios on the whole runtime, each on 1, 2 and 8 threads.
//!
//! | module | what |
//! |---|---|
//! | `kitchen` | what the tests are made with: runtimes, witnesses, gates, a watchdog, a process of one's own |
//! | `program`, `order`, `misuse`, `panics` | how a program runs, in which order, and what it is told when it is wrong |
//! | `cancellation`, `requests`, `cancel_races`, `foreign` | requests to cancel |
//! | `gathering`, `timeouts`, `clock`, `fairness` | what tasks wait with |
//! | `handles`, `local`, `blocking`, `outside`, `many` | tasks seen from elsewhere; many at once |
//! | `stuck`, `slow` | polls that last too long |
//! | `parallel`, `ends`, `close_races`, `leaks`, `leftovers` | many threads, and what is left of them |
//! | `tcp`, `addresses`, `sockets`, `groups`, `follow_a_byte` | the network |
//!
//! A test never waits for time to pass in order that something else happens: it waits for that thing. What would hang is
//! ended by the watchdog, which names the test.
//!
//! `// regress:` names a bug that another runtime has had, and that the test below would find.
#![expect(
    clippy::disallowed_methods,
    reason = "tests stand outside the runtime, and start threads and read clocks of their own"
)]
#![expect(clippy::async_yields_async, reason = "what one run starts another one awaits")]

mod kitchen;

mod addresses;
mod blocking;
mod cancel_races;
mod cancellation;
mod clock;
mod close_races;
mod ends;
mod fairness;
mod follow_a_byte;
mod foreign;
mod gathering;
mod groups;
mod handles;
mod leaks;
mod leftovers;
mod local;
mod many;
mod misuse;
mod order;
mod outside;
mod panics;
mod parallel;
mod program;
mod requests;
mod slow;
mod sockets;
mod stuck;
mod tcp;
mod timeouts;
