//! A task's place in a list: the next one's address, in six bytes. The two that are left are its [`Bias`](crate::bias::Bias).

use std::ptr::{self, NonNull};

use crate::header::Header;
use crate::primitive::UnsafeCell;
use crate::waker::RawTask;

/// The next task of a list.
pub(crate) struct Link(UnsafeCell<Packed>);

impl Link {
    pub(crate) fn none() -> Link {
        Link(UnsafeCell::new(pack(None)))
    }

    /// Puts another task in the place of the one that was there.
    ///
    /// # Safety
    /// The link is the caller's.
    pub(crate) unsafe fn replace(&self, next: Option<RawTask>) -> Option<RawTask> {
        let next = pack(next);
        // SAFETY: the link is the caller's.
        unpack(self.0.with_mut(|link| unsafe { ptr::replace(link, next) }))
    }
}

#[cfg(not(target_os = "android"))]
use packed::{Packed, pack, unpack};

#[cfg(not(target_os = "android"))]
mod packed {
    use super::{Header, NonNull, RawTask, ptr};

    pub(super) type Packed = [u16; 3];

    /// Tasks lie at multiples of eight.
    const UNUSED_BITS: u32 = 3;
    const _: () = assert!(align_of::<Header>() >= 1 << UNUSED_BITS);

    /// # Panics
    /// If the address is beyond 2^51, as no system's are but those that put tags into addresses.
    pub(super) fn pack(task: Option<RawTask>) -> Packed {
        let address = task.map_or(0, |task| task.pointer().as_ptr().expose_provenance());
        let [a, b, c, rest] =
            [0, 16, 32, 48].map(|shift| ((address as u64 >> UNUSED_BITS) >> shift) as u16);
        assert_eq!(rest, 0, "pelmeni: a task at the address {address:#x} is out of reach");
        [a, b, c]
    }

    pub(super) fn unpack(link: Packed) -> Option<RawTask> {
        let [a, b, c] = link.map(u64::from);
        let address = (a | b << 16 | c << 32) << UNUSED_BITS;
        let task: *mut Header = ptr::with_exposed_provenance_mut(address as usize);
        NonNull::new(task).map(RawTask::new)
    }
}

/// Addresses have a tag in their upper byte there.
#[cfg(target_os = "android")]
type Packed = Option<RawTask>;

#[cfg(target_os = "android")]
fn pack(task: Option<RawTask>) -> Packed {
    task
}

#[cfg(target_os = "android")]
fn unpack(link: Packed) -> Option<RawTask> {
    link
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn addresses_come_back_as_they_were() {
        let addresses = [0, 8, 0x7fff_ffff_fff8, 0x7_ffff_ffff_fff8];
        let link = Link::none();
        let mut before = None;
        for address in addresses {
            let task = NonNull::new(ptr::with_exposed_provenance_mut(address)).map(RawTask::new);
            // SAFETY: the link is ours.
            assert_eq!(unsafe { link.replace(task) }, before);
            before = task;
        }
    }

    #[test]
    #[should_panic(expected = "out of reach")]
    fn address_that_has_no_room_is_refused() {
        let task = NonNull::new(ptr::with_exposed_provenance_mut(0x8_0000_0000_0000));
        // SAFETY: the link is ours.
        unsafe { Link::none().replace(task.map(RawTask::new)) };
    }
}
