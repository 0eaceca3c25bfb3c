//! A semaphore and a model of it, side by side, through thousands of random steps.

use crate::support::{Dice, Task};
use pelmeni_sync::{AcquireError, Semaphore, SemaphorePermit};
use std::collections::VecDeque;
use std::task::Poll;

type Acquiring<'a> = Task<'a, Result<SemaphorePermit<'a>, AcquireError>>;

/// What a semaphore is by its documentation, without wakers, entries or locks.
#[derive(Default)]
struct Model {
    available: usize,
    /// Who waits, and for how many.
    line: VecDeque<(usize, usize)>,
    /// Who was given their permits and has not looked yet.
    granted: Vec<(usize, usize)>,
}

impl Model {
    fn arrive(&mut self, name: usize, wanted: usize) -> bool {
        let goes_on = self.line.is_empty() && wanted <= self.available;
        if goes_on {
            self.available -= wanted;
        } else {
            self.line.push_back((name, wanted));
        }
        goes_on
    }

    fn put(&mut self, count: usize) {
        self.available += count;
        while let Some(&(name, wanted)) = self.line.front()
            && wanted <= self.available
        {
            self.available -= wanted;
            self.line.pop_front();
            self.granted.push((name, wanted));
        }
    }

    /// They look at what they have.
    fn fetch(&mut self, name: usize) -> bool {
        let place = self.granted.iter().position(|granted| granted.0 == name);
        place.map(|place| self.granted.swap_remove(place)).is_some()
    }

    fn give_up(&mut self, name: usize) {
        self.line.retain(|waiting| waiting.0 != name);
        let place = self.granted.iter().position(|granted| granted.0 == name);
        let returned = place.map_or(0, |place| self.granted.swap_remove(place).1);
        self.put(returned);
    }
}

fn walk(seed: u64) {
    let mut dice = Dice::new(seed);
    let permits = dice.roll(5);
    let semaphore = Semaphore::new(permits);
    let mut model = Model { available: permits, ..Model::default() };
    let mut waiting: Vec<(usize, Acquiring<'_>)> = Vec::new();
    let mut held: Vec<SemaphorePermit<'_>> = Vec::new();
    for name in 0..200 {
        match dice.roll(5) {
            0 | 1 => {
                let wanted = dice.roll(4);
                let mut task = Task::new(semaphore.acquire_many(wanted));
                let goes_on = model.arrive(name, wanted);
                match task.poll() {
                    Poll::Ready(permit) => held.push(permit.unwrap()),
                    Poll::Pending => waiting.push((name, task)),
                }
                assert_eq!(waiting.last().is_some_and(|last| last.0 == name), !goes_on);
            }
            2 if !waiting.is_empty() => {
                let place = dice.roll(waiting.len());
                let (name, task) = &mut waiting[place];
                let polled = task.poll();
                assert_eq!(polled.is_ready(), model.fetch(*name));
                if let Poll::Ready(permit) = polled {
                    held.push(permit.unwrap());
                    waiting.swap_remove(place);
                }
            }
            3 if !waiting.is_empty() => {
                let (name, task) = waiting.swap_remove(dice.roll(waiting.len()));
                drop(task);
                model.give_up(name);
            }
            _ if !held.is_empty() => {
                let permit = held.swap_remove(dice.roll(held.len()));
                let count = permit.count();
                drop(permit);
                model.put(count);
            }
            _ => {
                semaphore.add_permits(1);
                model.put(1);
            }
        }
        assert_eq!(semaphore.available_permits(), model.available);
        for (name, task) in &waiting {
            let granted = model.granted.iter().any(|granted| granted.0 == *name);
            assert_eq!(task.is_woken(), granted, "task {name}");
        }
    }
}

#[test]
fn semaphore_does_what_its_model_does() {
    for seed in 0..500 {
        walk(seed);
    }
}
