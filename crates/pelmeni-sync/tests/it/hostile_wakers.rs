//! Wakers are user code: they may panic, and they may call back into what keeps them.

use crate::support::{Counter, Task, in_time};
use pelmeni_sync::{Barrier, Event, Mutex, Notify, Semaphore, oneshot};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, RawWaker, RawWakerVTable, Wake, Waker};

/// Runs one thing when it is woken and another when it is dropped.
struct Hooks<W: Fn(), D: Fn()> {
    on_wake: W,
    on_drop: D,
}

impl<W: Fn() + Send + Sync, D: Fn() + Send + Sync> Wake for Hooks<W, D> {
    fn wake(self: Arc<Self>) {
        (self.on_wake)();
    }
}

impl<W: Fn(), D: Fn()> Drop for Hooks<W, D> {
    fn drop(&mut self) {
        (self.on_drop)();
    }
}

fn on_wake(on_wake: impl Fn() + Send + Sync + 'static) -> Waker {
    Waker::from(Arc::new(Hooks { on_wake, on_drop: || {} }))
}

fn on_drop(on_drop: impl Fn() + Send + Sync + 'static) -> Waker {
    Waker::from(Arc::new(Hooks { on_wake: || {}, on_drop }))
}

fn panics_on_wake() -> Waker {
    on_wake(|| panic!("woken"))
}

thread_local! {
    static ON_CLONE: RefCell<Option<Box<dyn Fn()>>> = const { RefCell::new(None) };
}

/// A waker that runs this, on this thread, when it is cloned. Its clones do nothing.
#[expect(unsafe_code, reason = "only a hand-made waker can run code when it is cloned")]
fn on_clone(act: impl Fn() + 'static) -> Waker {
    fn clone(_: *const ()) -> RawWaker {
        ON_CLONE.with_borrow(|act| act.as_ref().expect("set below")());
        RawWaker::new(ptr::null(), Waker::noop().vtable())
    }
    static HOOKED: RawWakerVTable = RawWakerVTable::new(clone, |_| {}, |_| {}, |_| {});
    ON_CLONE.set(Some(Box::new(act)));
    // SAFETY: none of the four functions looks at the pointer.
    unsafe { Waker::new(ptr::null(), &HOOKED) }
}

#[track_caller]
fn panics(act: impl FnOnce()) {
    assert!(catch_unwind(AssertUnwindSafe(act)).is_err(), "the waker's panic was swallowed");
}

#[test]
fn wake_panics_and_the_lock_goes_on() {
    let mutex = Mutex::new(7);
    let held = mutex.try_lock();
    let mut first = Task::new(mutex.lock());
    assert!(first.poll_with(&panics_on_wake()).is_pending());
    let second = Task::waiting(mutex.lock());
    panics(|| drop(held));
    assert_eq!(*first.ready(), 7);
    assert_eq!(*second.ready(), 7);
}

#[test]
fn wake_panics_while_a_panic_unwinds() {
    let mutex = Mutex::new(7);
    let mut first = Task::new(mutex.lock());
    panics(|| {
        let _held = mutex.try_lock();
        assert!(first.poll_with(&panics_on_wake()).is_pending());
        panic!("a second panic on top of this one would end the process");
    });
    assert_eq!(*first.ready(), 7);
}

#[test]
fn wake_panics_and_all_others_are_woken() {
    let event = Event::new();
    let before = Task::waiting(event.wait());
    let mut bad = [Task::new(event.wait()), Task::new(event.wait())];
    for task in &mut bad {
        assert!(task.poll_with(&panics_on_wake()).is_pending());
    }
    let after = Task::waiting(event.wait());
    panics(|| event.set());
    assert!(before.is_woken() && after.is_woken());
    bad.into_iter().for_each(Task::ready);
}

#[test]
fn wake_panics_and_every_other_primitive_goes_on() {
    let notify = Notify::new();
    let mut call = Task::new(notify.notified());
    assert!(call.poll_with(&panics_on_wake()).is_pending());
    panics(|| notify.notify_one());
    call.ready();

    let barrier = Barrier::new(2);
    let mut first = Task::new(barrier.wait());
    assert!(first.poll_with(&panics_on_wake()).is_pending());
    panics(|| drop(Task::new(barrier.wait()).ready()));
    assert_eq!(first.ready(), Ok(0));

    let (sender, receiver) = oneshot::channel();
    let mut receiver = Task::new(receiver);
    assert!(receiver.poll_with(&panics_on_wake()).is_pending());
    panics(|| sender.send(3).unwrap());
    assert_eq!(receiver.ready(), Ok(3));
}

#[test]
fn clone_panics_and_nobody_is_in_line() {
    let waker = on_clone(|| panic!("cloned"));
    let semaphore = Semaphore::new(0);
    let mut task = Task::new(semaphore.acquire());
    panics(|| drop(task.poll_with(&waker)));
    let other = Task::waiting(semaphore.acquire());
    semaphore.add_permits(1);
    assert!(other.is_woken());

    let (sender, mut receiver) = oneshot::channel();
    let mut task = Task::new(&mut receiver);
    panics(|| drop(task.poll_with(&waker)));
    drop(task);
    sender.send(3).unwrap();
    assert_eq!(receiver.try_recv(), Ok(3));
}

#[test]
fn clone_panics_and_the_place_in_line_is_kept() {
    let notify = Notify::new();
    let mut first = Task::waiting(notify.notified());
    let second = Task::waiting(notify.notified());
    panics(|| assert!(first.poll_with(&on_clone(|| panic!("cloned"))).is_ready()));
    notify.notify_one();
    assert!(first.is_woken() && !second.is_woken());
    first.ready();
}

#[test]
fn clone_releases_what_is_waited_for() {
    let semaphore = Arc::new(Semaphore::new(0));
    let shared = semaphore.clone();
    let mut task = Task::new(semaphore.acquire());
    assert!(task.poll_with(&on_clone(move || shared.add_permits(1))).is_ready());

    let notify = Arc::new(Notify::new());
    let shared = notify.clone();
    let mut task = Task::new(notify.notified());
    assert!(task.poll_with(&on_clone(move || shared.notify_one())).is_ready());

    let (sender, receiver) = oneshot::channel();
    let sender = RefCell::new(Some(sender));
    let send = move || sender.take().unwrap().send(3).unwrap();
    assert_eq!(Task::new(receiver).poll_with(&on_clone(send)), Poll::Ready(Ok(3)));
}

#[test]
fn clone_releases_what_is_waited_for_in_line_already() {
    let semaphore = Arc::new(Semaphore::new(0));
    let shared = semaphore.clone();
    let mut task = Task::waiting(semaphore.acquire());
    assert!(task.poll_with(&on_clone(move || shared.add_permits(1))).is_ready());
}

#[test]
fn wake_takes_and_releases_the_same_lock() {
    in_time(|| {
        let mutex = Arc::new(Mutex::new(0));
        let (shared, tries) = (mutex.clone(), Arc::new(AtomicUsize::new(0)));
        let counted = tries.clone();
        let waker = on_wake(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            assert!(shared.try_lock().is_none(), "it belongs to the one that is woken");
        });
        let held = mutex.try_lock();
        let mut task = Task::new(mutex.lock());
        assert!(task.poll_with(&waker).is_pending());
        drop(held);
        assert_eq!(tries.load(Ordering::SeqCst), 1);
        drop(task.ready());
    });
}

#[test]
fn wake_drops_the_future_that_it_wakes() {
    in_time(|| {
        let semaphore = Arc::new(Semaphore::new(0));
        let line = Arc::new(std::sync::Mutex::new(None));
        let shared = line.clone();
        let waker = on_wake(move || drop(shared.lock().unwrap().take()));
        let mut future = Box::pin(semaphore.clone().acquire_owned());
        let polled = future.as_mut().poll(&mut std::task::Context::from_waker(&waker));
        assert!(polled.is_pending());
        *line.lock().unwrap() = Some(future);
        let next = Task::waiting(semaphore.acquire());
        semaphore.add_permits(1);
        assert!(line.lock().unwrap().is_none());
        assert!(next.is_woken());
    });
}

#[test]
fn wake_calls_back_into_every_other_primitive() {
    in_time(|| {
        let event = Arc::new(Event::new());
        let shared = event.clone();
        let mut task = Task::new(event.wait());
        assert!(task.poll_with(&on_wake(move || shared.clear())).is_pending());
        event.set();
        assert!(!event.is_set());
        task.ready();

        let notify = Arc::new(Notify::new());
        let shared = notify.clone();
        let mut task = Task::new(notify.notified());
        assert!(task.poll_with(&on_wake(move || shared.notify_one())).is_pending());
        notify.notify_waiters();
        task.ready();
        Task::new(notify.notified()).ready();

        let barrier = Arc::new(Barrier::new(2));
        let shared = barrier.clone();
        let mut task = Task::new(barrier.wait());
        assert!(task.poll_with(&on_wake(move || shared.abort())).is_pending());
        assert_eq!(Task::new(barrier.wait()).ready(), Ok(1));
        assert_eq!(task.ready(), Ok(0));
        assert!(barrier.is_broken());

        let (mut sender, mut receiver) = oneshot::channel::<u8>();
        let woken = Arc::new(Counter::default());
        let counted = woken.clone();
        let waker = on_wake(move || counted.clone().wake());
        assert!(Task::new(sender.closed()).poll_with(&waker).is_pending());
        receiver.close();
        assert_eq!(woken.wakes(), 1);
    });
}

#[test]
fn waker_is_dropped_without_the_lock() {
    in_time(|| {
        let semaphore = Arc::new(Semaphore::new(0));
        let drops = Arc::new(AtomicUsize::new(0));
        let calls_back = || {
            let (semaphore, drops) = (semaphore.clone(), drops.clone());
            on_drop(move || {
                semaphore.available_permits();
                drops.fetch_add(1, Ordering::SeqCst);
            })
        };
        let mut replaced = Task::new(semaphore.acquire());
        assert!(replaced.poll_with(&calls_back()).is_pending());
        assert!(replaced.poll().is_pending());
        assert_eq!(drops.load(Ordering::SeqCst), 1);

        let mut cancelled = Task::new(semaphore.acquire());
        assert!(cancelled.poll_with(&calls_back()).is_pending());
        drop(cancelled);
        assert_eq!(drops.load(Ordering::SeqCst), 2);

        let mut woken = Task::new(semaphore.acquire());
        assert!(woken.poll_with(&calls_back()).is_pending());
        semaphore.close();
        assert_eq!(drops.load(Ordering::SeqCst), 3);
    });
}

#[test]
fn value_is_dropped_without_the_lock() {
    struct CallsBack(Arc<std::sync::Mutex<Option<oneshot::Sender<CallsBack>>>>);
    impl Drop for CallsBack {
        fn drop(&mut self) {
            let sender = self.0.lock().unwrap().take();
            assert!(sender.is_none_or(|sender| sender.is_closed()));
        }
    }
    in_time(|| {
        // The value holds the other channel's sender and looks at it when it is dropped.
        let other = Arc::new(std::sync::Mutex::new(None));
        let (sender, receiver) = oneshot::channel();
        sender.send(CallsBack(other.clone())).ok().unwrap();
        let (second, gone) = oneshot::channel();
        drop(gone);
        *other.lock().unwrap() = Some(second);
        drop(receiver);
        assert!(other.lock().unwrap().is_none());
    });
}

#[test]
fn last_waker_counts() {
    let semaphore = Semaphore::new(0);
    let mut task = Task::waiting(semaphore.acquire());
    let later = Arc::new(Counter::default());
    assert!(task.poll_with(&Waker::from(later.clone())).is_pending());
    assert_eq!(task.wakers_kept(), 0);
    semaphore.add_permits(1);
    assert_eq!((task.wakes(), later.wakes()), (0, 1));

    let (sender, receiver) = oneshot::channel();
    let mut task = Task::waiting(receiver);
    let later = Arc::new(Counter::default());
    assert!(task.poll_with(&Waker::from(later.clone())).is_pending());
    sender.send(1).unwrap();
    assert_eq!((task.wakes(), later.wakes()), (0, 1));
}

#[test]
fn same_waker_is_kept_once() {
    let semaphore = Semaphore::new(0);
    let mut task = Task::waiting(semaphore.acquire());
    for _ in 0..10 {
        assert!(task.poll().is_pending());
        assert_eq!(task.wakers_kept(), 1);
    }
    semaphore.add_permits(1);
    assert_eq!((task.wakes(), task.wakers_kept()), (1, 0));
}
