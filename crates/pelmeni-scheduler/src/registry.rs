//! The tasks that live: what shutdown cancels, and where a report finds a task's name and spawn site.
//!
//! One registry per worker, a slab under a lock that in the usual case only its worker takes. A task is in it from before
//! it can be scheduled until just before it is complete; so whatever is found under the lock is alive.

use std::collections::HashMap;
use std::panic::Location;

use pelmeni_core::primitive::atomic::{AtomicUsize, Ordering};
use pelmeni_core::primitive::{Spin, seeded};
use pelmeni_core::{AbortHandle, RegisteredTask, TaskInfo, TaskRef};

/// Some tasks that live, and whether new ones may come.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    entries: Spin<Entries>,
    /// How many there are; written under the lock, read without it.
    len: AtomicUsize,
}

#[derive(Debug, Default)]
struct Entries {
    slots: Vec<Entry>,
    /// One more than the index of a vacant slot; 0 if there is none.
    vacant: u32,
    closed: bool,
    /// Few tasks have names.
    names: HashMap<u32, Box<str>>,
}

#[derive(Debug)]
enum Entry {
    Vacant { next: u32 },
    Task { task: RegisteredTask, location: &'static Location<'static> },
}

/// How many tasks a walk looks at under one lock.
const BATCH: usize = 256;

impl Registry {
    /// Enters a task and tells its slot. `None`: the registry is closed.
    pub(crate) fn insert(
        &self,
        task: TaskRef<'_>,
        location: &'static Location<'static>,
        name: Option<Box<str>>,
    ) -> Option<u32> {
        let mut entries = self.entries.lock();
        if entries.closed && !seeded(262) {
            return None;
        }
        let slot = entries.place(Entry::Task { task: task.into_registered(), location });
        if let Some(name) = name {
            entries.set_name(slot, name);
        }
        // Relaxed: the lock orders the writers, and readers do not conclude anything about a task from it.
        self.len.store(self.len.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        Some(slot)
    }

    /// Removes a task. True: the registry is closed, and this was the last.
    #[inline]
    pub(crate) fn remove(&self, slot: u32) -> bool {
        let mut entries = self.entries.lock();
        entries.slots[slot as usize] = Entry::Vacant { next: entries.vacant };
        entries.vacant = slot + 1;
        if !entries.names.is_empty() {
            entries.drop_name(slot);
        }
        let left = self.len.load(Ordering::Relaxed) - 1;
        // Release: pairs with the Acquire in len; whoever sees that all are gone sees what they did.
        self.len.store(left, Ordering::Release);
        left == 0 && entries.closed
    }

    /// What is known of a task that has not been removed.
    pub(crate) fn describe(&self, slot: u32) -> TaskInfo {
        self.entries.lock().info(slot as usize)
    }

    /// What is known of the task with this [address](RegisteredTask::address), if it is here. A long walk, but not under
    /// one lock.
    pub(crate) fn find(&self, address: usize) -> Option<TaskInfo> {
        let mut from = 0;
        loop {
            let entries = self.entries.lock();
            let rest = entries.slots.get(from..).filter(|rest| !rest.is_empty())?;
            let is_it = |entry: &Entry| matches!(entry, Entry::Task { task, .. } if task.address() == address);
            if let Some(offset) = rest.iter().take(BATCH).position(is_it) {
                return Some(entries.info(from + offset));
            }
            from += BATCH;
        }
    }

    /// How many tasks are in it.
    pub(crate) fn len(&self) -> usize {
        // Acquire: pairs with the Release in remove.
        self.len.load(Ordering::Acquire)
    }

    /// Lets no more tasks in.
    pub(crate) fn close(&self) {
        self.entries.lock().closed = true;
    }

    /// Lets tasks in again.
    pub(crate) fn reopen(&self) {
        self.entries.lock().closed = false;
    }

    /// Calls a function for each task, without the lock.
    pub(crate) fn for_each(&self, mut f: impl FnMut(&AbortHandle, TaskInfo)) {
        let mut from = 0;
        loop {
            let (batch, next) = self.batch(from);
            batch.into_iter().for_each(|(task, info)| f(&task, info));
            match next {
                Some(next) => from = next,
                None => return,
            }
        }
    }

    #[expect(
        unsafe_code,
        reason = "an entry keeps the task's address, which is good under the lock"
    )]
    fn batch(&self, from: usize) -> (Vec<(AbortHandle, TaskInfo)>, Option<usize>) {
        let entries = self.entries.lock();
        let upto = entries.slots.len().min(from + BATCH);
        let mut batch = Vec::with_capacity(upto - from);
        for (slot, entry) in entries.slots[from..upto].iter().enumerate() {
            if let Entry::Task { task, location } = entry {
                let name = entries.names.get(&((from + slot) as u32)).cloned();
                // SAFETY: release removes entries under this lock, so the task has not been released.
                let task = unsafe { task.retain() };
                batch.push((task, TaskInfo::new(name, location)));
            }
        }
        (batch, (upto < entries.slots.len()).then_some(upto))
    }
}

impl Entries {
    fn info(&self, slot: usize) -> TaskInfo {
        match &self.slots[slot] {
            Entry::Task { location, .. } => {
                TaskInfo::new(self.names.get(&(slot as u32)).cloned(), location)
            }
            Entry::Vacant { .. } => unreachable!("a task is described before it is removed"),
        }
    }

    #[inline]
    fn place(&mut self, entry: Entry) -> u32 {
        if self.vacant == 0 {
            return self.extend(entry);
        }
        let slot = self.vacant - 1;
        let place = &mut self.slots[slot as usize];
        match *place {
            Entry::Vacant { next } => self.vacant = next,
            Entry::Task { .. } => unreachable!("the list of vacant slots names vacant slots"),
        }
        *place = entry;
        slot
    }

    #[cold]
    fn extend(&mut self, entry: Entry) -> u32 {
        self.slots.push(entry);
        u32::try_from(self.slots.len() - 1).expect("fewer than four billion tasks")
    }

    #[cold]
    fn set_name(&mut self, slot: u32, name: Box<str>) {
        self.names.insert(slot, name);
    }

    #[cold]
    fn drop_name(&mut self, slot: u32) {
        self.names.remove(&slot);
    }
}
