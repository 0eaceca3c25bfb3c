//! Which types may be sent to another thread or shared between threads, by what is inside.

use pelmeni_sync::{Barrier, Event, Mutex, MutexGuard, Notified, Notify, Semaphore};
use pelmeni_sync::{OwnedSemaphorePermit, SemaphorePermit, oneshot};
use std::cell::Cell;
use std::marker::PhantomData;
use std::rc::Rc;

/// Asks for one bound: the constant of the impl with the bound hides the one of the trait.
struct Sends<T>(PhantomData<T>);
struct Shares<T>(PhantomData<T>);

trait No {
    const ANSWER: bool = false;
}
impl<T> No for Sends<T> {}
impl<T> No for Shares<T> {}

impl<T: Send> Sends<T> {
    const ANSWER: bool = true;
}
impl<T: Sync> Shares<T> {
    const ANSWER: bool = true;
}

/// Whether it is `Send`, whether it is `Sync`.
macro_rules! bounds {
    ($type:ty) => {
        (<Sends<$type>>::ANSWER, <Shares<$type>>::ANSWER)
    };
}

const NEITHER: (bool, bool) = (false, false);
const SEND: (bool, bool) = (true, false);
const BOTH: (bool, bool) = (true, true);

type Both = u32;
type OnlySend = Cell<u32>;
type Neither = Rc<u32>;
/// Shared and not sent, as a standard lock's guard is.
type OnlySync = std::sync::MutexGuard<'static, u32>;

#[test]
fn the_question_works() {
    assert_eq!(bounds!(Both), BOTH);
    assert_eq!(bounds!(OnlySend), SEND);
    assert_eq!(bounds!(Neither), NEITHER);
    assert_eq!(bounds!(OnlySync), (false, true));
}

#[test]
fn mutex_makes_shareable_what_can_be_sent() {
    assert_eq!(bounds!(Mutex<Both>), BOTH);
    assert_eq!(bounds!(Mutex<OnlySend>), BOTH);
    assert_eq!(bounds!(Mutex<OnlySync>), NEITHER);
    assert_eq!(bounds!(Mutex<Neither>), NEITHER);
}

#[test]
fn guard_is_like_a_mutable_reference() {
    assert_eq!(bounds!(MutexGuard<'static, Both>), bounds!(&'static mut Both));
    assert_eq!(bounds!(MutexGuard<'static, OnlySend>), bounds!(&'static mut OnlySend));
    assert_eq!(bounds!(MutexGuard<'static, Neither>), bounds!(&'static mut Neither));
    assert_eq!(bounds!(MutexGuard<'static, OnlySync>), NEITHER);
}

#[test]
fn channel_needs_its_value_to_be_sent() {
    assert_eq!(bounds!(oneshot::Sender<OnlySend>), BOTH);
    assert_eq!(bounds!(oneshot::Receiver<OnlySend>), BOTH);
    assert_eq!(bounds!(oneshot::Sender<OnlySync>), NEITHER);
    assert_eq!(bounds!(oneshot::Receiver<Neither>), NEITHER);
}

#[test]
fn everything_without_a_value_goes_anywhere() {
    assert_eq!(bounds!(Semaphore), BOTH);
    assert_eq!(bounds!(SemaphorePermit<'static>), BOTH);
    assert_eq!(bounds!(OwnedSemaphorePermit), BOTH);
    assert_eq!(bounds!(Event), BOTH);
    assert_eq!(bounds!(Notify), BOTH);
    assert_eq!(bounds!(Notified<'static>), BOTH);
    assert_eq!(bounds!(Barrier), BOTH);
}

/// Compiles, and that is the test: the futures can be spawned if what they wait for can be shared.
#[test]
fn futures_can_be_sent() {
    fn send<T: Send>(_: T) {}
    let (mutex, semaphore) = (Mutex::new(Cell::new(0)), Semaphore::new(1));
    send(mutex.lock());
    send(semaphore.acquire_many(2));
    send(std::sync::Arc::new(Semaphore::new(1)).acquire_owned());
    send(Event::new().wait());
    send(Barrier::new(1).wait());
    let (mut sender, receiver) = oneshot::channel::<Cell<u32>>();
    send(sender.closed());
    send(receiver);
}
