//! Threads that wait for a future of a runtime without being one of its workers, and must hear of its end.

use std::sync::Arc;
use std::task::Wake;

use pelmeni_core::park::Parker;
use pelmeni_core::primitive::Mutex;

/// The visitors of one runtime.
#[derive(Debug, Default)]
pub(crate) struct Visitors {
    present: Mutex<Vec<Arc<Bell>>>,
}

/// What wakes a visitor.
#[derive(Debug)]
pub(crate) struct Bell(Parker);

/// A thread's stay; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Visitor<'a> {
    visitors: &'a Visitors,
    bell: Arc<Bell>,
}

impl Visitors {
    pub(crate) fn enter(&self) -> Visitor<'_> {
        let bell = Arc::new(Bell(Parker::new()));
        self.present.lock().push(bell.clone());
        Visitor { visitors: self, bell }
    }

    /// Wakes all who are present.
    pub(crate) fn wake_all(&self) {
        let present = self.present.lock().clone();
        present.into_iter().for_each(Wake::wake);
    }
}

impl Visitor<'_> {
    pub(crate) fn bell(&self) -> Arc<Bell> {
        self.bell.clone()
    }

    /// Sleeps until somebody rings.
    pub(crate) fn sleep(&self) {
        self.bell.0.park(None);
    }
}

impl Drop for Visitor<'_> {
    fn drop(&mut self) {
        self.visitors.present.lock().retain(|other| !Arc::ptr_eq(other, &self.bell));
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        let unparked = self.0.unpark();
        debug_assert!(!unparked.is_elsewhere(), "a visitor sleeps on its parker only");
    }
}
