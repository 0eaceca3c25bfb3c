//! One source's way into the driver and out of it, and the loop between an operation and its readiness.
//!
//! The source enters with the first operation that would block, or, if its owner says so ([`Registration::hesitant`]), when
//! it would block for the second time in a row, and leaves when the registration is dropped or
//! [deregistered](Registration::deregister). It enters **before** its tick is believed: adding an edge-triggered source
//! reports what it is ready for at that moment, so nothing can be lost between the operation and the entry. And it leaves
//! **before** its descriptor is closed: the poller knows the open file and not its number, which can live on in a
//! duplicate, while the number is given to the next file at once. If the owner of the descriptor says so
//! ([`Registration::owning`]), it leaves the table only, and the poller's entry goes when the descriptor is closed, which
//! spares a system call. Such an entry can outlive its number as well; then nobody has its key, and an owner whose number
//! it blocks deletes it.
//!
//! The poller is asked only for directions in which somebody has waited (`readiness`, ASKED), **after** the waiter is in its
//! place: asking, too, reports what the source is ready for at that moment.
//!
//! The lock is held while a source enters, leaves or is asked for more (system calls), and never while a waker is called.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};

use pelmeni_core::primitive::{Mutex, seeded};

use crate::descriptor::{AsDescriptor, BorrowedDescriptor, RawDescriptor, borrow, raw};
use crate::drained::Drained;
use crate::driver::{wake_all, wake_by_ref};
use crate::interest::Interest;
use crate::membership::{Membership, Standing};
use crate::readiness::{Snapshot, Wait};
use crate::source::{Key, Source};
use crate::vacancies::closed;
use crate::{Direction, Driver};

/// The owner of one source's place in a [`Driver`].
///
/// # I/O safety
/// A registration belongs to one descriptor: pass the same source to all its functions, and drop it before the source is
/// closed. In a struct that owns both, that means to declare the registration first.
///
/// # Examples
/// ```
/// use pelmeni_driver::{Direction, Driver, Registration};
/// use std::net::UdpSocket;
/// use std::task::{Context, Waker};
///
/// # fn main() -> std::io::Result<()> {
/// let driver = Driver::new()?;
/// let registration = Registration::new(driver.clone()); // to be dropped before the socket
/// let socket = UdpSocket::bind("127.0.0.1:0")?;
/// socket.set_nonblocking(true)?;
///
/// let mut cx = Context::from_waker(Waker::noop());
/// let mut buffer = [0; 8];
/// let mut receive = || {
///     registration.poll_io(&mut cx, &socket, Direction::Read, || socket.recv(&mut buffer))
/// };
/// assert!(receive().is_pending());
/// UdpSocket::bind("127.0.0.1:0")?.send_to(b"varenik", socket.local_addr()?)?;
/// while driver.try_claim().unwrap().wait(None)? == 0 {} // until our waker was woken
/// assert!(receive().is_ready());
/// # drop(registration);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Registration {
    driver: Arc<Driver>,
    membership: Membership,
    drained: Drained,
    /// The source does not enter when an operation would first block.
    is_hesitant: bool,
    entry: Mutex<Entry>,
}

/// What the poller has of a source.
#[derive(Debug, Default)]
struct Entry {
    /// What to take out of the poller, while the source is inside.
    descriptor: RawDescriptor,
    is_inside: bool,
    /// The descriptor is closed when this registration has been dropped.
    is_owned: bool,
}

impl Registration {
    /// Prepares a registration. Nothing is registered before an operation would block.
    pub fn new(driver: Arc<Driver>) -> Registration {
        let (membership, drained) = (Membership::new(), Drained::new());
        Registration { driver, membership, drained, is_hesitant: false, entry: Mutex::default() }
    }

    /// Says that whoever has this registration owns the descriptor as well, and closes it as soon as this is dropped.
    ///
    /// Dropping it is then cheaper, where the system forgets what is closed. To give the descriptor away,
    /// [`deregister`](Registration::deregister) it first. If it lives on all the same, in a duplicate, nobody hears of it,
    /// and each of its events ends a wait for nothing.
    #[must_use]
    pub fn owning(self) -> Registration {
        self.entry.lock().is_owned = true;
        self
    }

    /// Says that who finds that an operation would block has one more turn before the source is registered: the operation is
    /// pending, and its own task woken.
    ///
    /// For sources that are answered soon, like a connection whose first request is on its way: where tasks have their turn
    /// one after the other, it has often come by then, and who never waits needs no registration. It happens twice at most
    /// in each direction, whoever polls, each time after an operation that did not block, or the first one; never for
    /// [`poll_ready`](Registration::poll_ready), which has no operation to try.
    #[must_use]
    pub fn hesitant(mut self) -> Registration {
        self.is_hesitant = true;
        self
    }

    /// The driver that reports to this source.
    pub fn driver(&self) -> &Arc<Driver> {
        &self.driver
    }

    /// Tries an operation that does not block; if it would have to, waits for readiness in `direction`.
    ///
    /// The operation is tried first (and once more in the next poll, if the source is
    /// [hesitant](Registration::hesitant)), and again after each event, until it does anything else than to fail with
    /// [`WouldBlock`](io::ErrorKind::WouldBlock); a failure with [`Interrupted`](io::ErrorKind::Interrupted) is retried
    /// at once. Several tasks may wait for one source, in one direction or in both: each event wakes all who wait in its
    /// direction. Errors and hang-ups are events in both directions.
    ///
    /// # Cancel safety
    /// Nothing is lost if it is not polled again: the operation has either been done and its result returned, or not.
    ///
    /// # Errors
    /// The operation's; the system's if it cannot register the source; and an error of kind
    /// [`Other`](io::ErrorKind::Other) if it would wait although the driver is [closed](Driver::close) or the source was
    /// [deregistered](Registration::deregister).
    pub fn poll_io<S, R>(
        &self,
        cx: &mut Context<'_>,
        source: &S,
        direction: Direction,
        operation: impl FnMut() -> io::Result<R>,
    ) -> Poll<io::Result<R>>
    where
        S: AsDescriptor,
    {
        self.poll_with(cx, source, direction, operation, |_| false)
    }

    /// As [`poll_io`](Registration::poll_io), for an operation on a stream that moves at most `wanted` bytes.
    ///
    /// Fewer of them, but not none, mean that the next operation would block; so that is not tried before an event has
    /// come. This is true of streams of bytes like TCP's; not of datagrams, and not of Unix sockets on which credentials are
    /// sent, where a read ends at the next sender's bytes.
    ///
    /// # Cancel safety
    /// Nothing is lost if it is not polled again: the bytes have either been moved and their number returned, or not.
    ///
    /// # Errors
    /// As [`poll_io`](Registration::poll_io).
    pub fn poll_transfer<S: AsDescriptor>(
        &self,
        cx: &mut Context<'_>,
        source: &S,
        direction: Direction,
        wanted: usize,
        operation: impl FnMut() -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        let drains = |moved: &usize| 0 < *moved && *moved < wanted;
        self.poll_with(cx, source, direction, operation, drains)
    }

    /// Tries an operation or waits. `drains` tells of a result whether the next operation would block.
    fn poll_with<S: AsDescriptor, R>(
        &self,
        cx: &mut Context<'_>,
        source: &S,
        direction: Direction,
        mut operation: impl FnMut() -> io::Result<R>,
        drains: impl Fn(&R) -> bool,
    ) -> Poll<io::Result<R>> {
        loop {
            let seen = self.look(direction);
            if !seen.is_some_and(|(_, seen)| self.drained.holds(direction, seen)) {
                let outcome = operation();
                if let Some((_, seen)) = seen {
                    self.drained.renew(direction, seen, outcome.as_ref().is_ok_and(&drains));
                }
                match outcome {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        if seen.is_none() && self.hesitates(direction, true) {
                            if !seeded(296) {
                                wake_by_ref(cx.waker());
                            }
                            return Poll::Pending;
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    outcome => {
                        if seen.is_none() {
                            self.hesitates(direction, false);
                        }
                        return Poll::Ready(outcome);
                    }
                }
            }
            if self.wait(cx, source, direction, seen)?.is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// Waits for readiness in `direction` without an operation to tell it by.
    ///
    /// For what has begun and reports its end as readiness, like a connection being made. It is a hint: what is ready
    /// may turn out not to be. It stays ready until a [`poll_io`](Registration::poll_io) finds that it would block.
    ///
    /// # Cancel safety
    /// Nothing is lost if it is not polled again.
    ///
    /// # Errors
    /// As [`poll_io`](Registration::poll_io).
    pub fn poll_ready<S: AsDescriptor>(
        &self,
        cx: &mut Context<'_>,
        source: &S,
        direction: Direction,
    ) -> Poll<io::Result<()>> {
        match self.look(direction) {
            Some((_, seen)) if seen.is_ready() && !self.drained.holds(direction, seen) => {
                Poll::Ready(Ok(()))
            }
            seen => self.wait(cx, source, direction, seen),
        }
    }

    /// Takes the source out of the driver, so that its descriptor can be given away. It does not come back.
    ///
    /// Whoever waits for it resolves with an error.
    ///
    /// # Errors
    /// The system's, if it does not let the source go. It counts as gone all the same.
    pub fn deregister<S: AsDescriptor>(&self, source: &S) -> io::Result<()> {
        self.leave(|_| self.driver.poller.delete(borrow(source)))
    }

    /// Notes whether an operation on a source that is not inside was refused. True: it was, and its task is to try once more.
    fn hesitates(&self, direction: Direction, is_refused: bool) -> bool {
        self.is_hesitant
            && self.membership.look() == Standing::Outside
            && self.drained.hesitates(direction, is_refused)
    }

    /// The source's cell, and the tick to compare with later; `None` if the source is not inside, so that it has none.
    fn look(&self, direction: Direction) -> Option<(&Source, Snapshot)> {
        match self.membership.look() {
            Standing::Inside(key) => {
                let cell = self.driver.sources.cell(key);
                Some((cell, cell.look(direction)))
            }
            Standing::Outside | Standing::Left => None,
        }
    }

    /// Waits for an event after `seen`. Ready means: there was one already.
    fn wait<S: AsDescriptor>(
        &self,
        cx: &mut Context<'_>,
        source: &S,
        direction: Direction,
        seen: Option<(&Source, Snapshot)>,
    ) -> Poll<io::Result<()>> {
        let (cell, seen) = match seen {
            // If the source has left since, the cell says so.
            Some(seen) => seen,
            None => {
                let key = self.enter(source, direction)?;
                let cell = self.driver.sources.cell(key);
                // The bug: what came since the source entered is taken for something that the operation has seen.
                let news = seeded(151).then(|| cell.look(direction));
                (cell, news.unwrap_or(Snapshot::fresh(key.generation())))
            }
        };
        match cell.wait(direction, seen, cx.waker()) {
            Wait::Ready => Poll::Ready(Ok(())),
            Wait::Closed => Poll::Ready(Err(closed())),
            Wait::Gone => Poll::Ready(Err(deregistered())),
            Wait::Waiting => Poll::Pending,
            Wait::Unasked => {
                self.ask(source, direction)?;
                Poll::Pending
            }
        }
    }

    /// Asks the poller for events in `direction`, where somebody waits.
    #[cold]
    fn ask<S: AsDescriptor>(&self, source: &S, direction: Direction) -> io::Result<()> {
        // Under the lock, so that two who ask do it one after the other.
        let _entry = self.entry.lock();
        let Standing::Inside(key) = self.membership.look() else { return Err(deregistered()) };
        let cell = self.driver.sources.cell(key);
        let poller = &self.driver.poller;
        if poller.is_oneshot() {
            return poller.arm(borrow(source), key, cell.interest());
        }
        if let Some(interest) = cell.interest_with(direction) {
            poller.arm(borrow(source), key, interest)?;
            // Who comes meanwhile and waits in this direction wants to ask, too, and finds it done.
            cell.ask(direction);
        }
        Ok(())
    }

    /// Brings the source into the poller, if it is not there yet, to report `direction`.
    fn enter<S: AsDescriptor>(&self, source: &S, direction: Direction) -> io::Result<Key> {
        if let Standing::Inside(key) = self.membership.look() {
            return Ok(key);
        }
        let mut entry = self.entry.lock();
        match self.membership.look() {
            Standing::Inside(key) => return Ok(key),
            Standing::Left => return Err(deregistered()),
            Standing::Outside => {}
        }
        let key = self.driver.sources.insert()?;
        if let Err(error) = self.add(borrow(source), key, direction, entry.is_owned) {
            // Nobody knows the key, so nobody waits.
            self.driver.sources.remove(key, &mut Vec::new());
            return Err(error);
        }
        if !self.driver.poller.is_oneshot() {
            self.driver.sources.cell(key).ask(direction);
        }
        *entry = Entry { descriptor: raw(borrow(source)), is_inside: true, ..*entry };
        self.membership.enter(key);
        Ok(key)
    }

    fn add(
        &self,
        source: BorrowedDescriptor<'_>,
        key: Key,
        direction: Direction,
        is_owned: bool,
    ) -> io::Result<()> {
        let poller = &self.driver.poller;
        let interest = Interest::only(direction);
        match poller.add(source, key, interest) {
            // Nobody else can have the number of an owned descriptor: the entry is of an earlier owner of the same file.
            Err(error) if is_owned && error.kind() == io::ErrorKind::AlreadyExists => {
                poller.delete(source)?;
                poller.add(source, key, interest)
            }
            outcome => outcome,
        }
    }

    /// Takes the source out of the poller and of the table, if it is there, and wakes whoever waits for it.
    fn leave(&self, delete: impl FnOnce(&Entry) -> io::Result<()>) -> io::Result<()> {
        let mut wakers = Vec::new();
        let mut entry = self.entry.lock();
        let standing = self.membership.look();
        self.membership.leave();
        let outcome = if entry.is_inside { delete(&entry) } else { Ok(()) };
        entry.is_inside = false;
        if let Standing::Inside(key) = standing {
            self.driver.sources.remove(key, &mut wakers);
        }
        drop(entry);
        wake_all(&mut wakers);
        outcome
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        // There is nobody to tell of an error; the source is out of the table, so that no event of it finds anyone.
        let _ = self.leave(|entry| {
            // SAFETY: the descriptor is still open, the registration is dropped first (see "I/O safety").
            let source = unsafe { BorrowedDescriptor::borrow_raw(entry.descriptor) };
            let poller = &self.driver.poller;
            if entry.is_owned { poller.release(source) } else { poller.delete(source) }
        });
    }
}

fn deregistered() -> io::Error {
    io::Error::other("the source was deregistered, nothing reports its readiness any more")
}

#[cfg(all(test, unix, not(all(loom, feature = "loom"))))]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Waker;
    use std::time::Duration;

    use super::*;
    use crate::poller::{Event, Poller};

    /// A poller in which nothing happens, and that counts how sources leave.
    #[derive(Debug, Default)]
    struct Counting {
        deleted: AtomicUsize,
        released: AtomicUsize,
    }

    impl Poller for Arc<Counting> {
        fn is_oneshot(&self) -> bool {
            false
        }

        fn add(&self, _: BorrowedDescriptor<'_>, _: Key, _: Interest) -> io::Result<()> {
            Ok(())
        }

        fn arm(&self, _: BorrowedDescriptor<'_>, _: Key, _: Interest) -> io::Result<()> {
            Ok(())
        }

        fn delete(&self, _: BorrowedDescriptor<'_>) -> io::Result<()> {
            self.deleted.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }

        fn release(&self, _: BorrowedDescriptor<'_>) -> io::Result<()> {
            self.released.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }

        fn wait(&self, _: &mut Vec<Event>, _: Option<Duration>) -> io::Result<()> {
            Ok(())
        }

        fn notify(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn only_what_its_owner_closes_is_not_deleted() {
        let counting = Arc::new(Counting::default());
        let driver = Arc::new(Driver::from_poller(Box::new(counting.clone())));
        let left = || {
            let Counting { deleted, released } = &*counting;
            (deleted.load(Ordering::Relaxed), released.load(Ordering::Relaxed))
        };
        let source = io::stderr();
        let wait = |registration: &Registration| {
            let mut cx = Context::from_waker(Waker::noop());
            assert!(registration.poll_ready(&mut cx, &source, Direction::Read).is_pending());
        };
        let registration = Registration::new(driver.clone());
        drop(Registration::new(driver.clone()).owning());
        assert_eq!(left(), (0, 0), "it never came");
        wait(&registration);
        drop(registration);
        assert_eq!(left(), (1, 0));
        let registration = Registration::new(driver.clone()).owning();
        wait(&registration);
        drop(registration);
        assert_eq!(left(), (1, 1));
        let registration = Registration::new(driver).owning();
        wait(&registration);
        registration.deregister(&source).unwrap();
        drop(registration);
        assert_eq!(left(), (2, 1), "it may be given away");
    }
}
