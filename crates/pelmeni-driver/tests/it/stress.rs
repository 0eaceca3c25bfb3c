//! Descriptors come and go as fast as they can, on several threads, and each finds its own data behind its number.

use std::io::{Read, Write};
use std::task::Poll;

use crate::kitchen::{Pair, block_on, with_each_poller, with_turns};

const THREADS: u64 = 4;
const ROUNDS: u64 = 1500;

#[test]
fn every_stream_reads_its_own_nonce() {
    with_each_poller(|driver| {
        with_turns(driver, || {
            std::thread::scope(|scope| {
                for thread in 0..THREADS {
                    scope.spawn(move || {
                        for round in 0..ROUNDS {
                            exchange(driver, thread << 32 | round);
                        }
                    });
                }
            });
        });
        assert!(driver.is_idle());
    });
}

/// One connection's life: an exchange of numbers in which either side may come first.
fn exchange(driver: &std::sync::Arc<pelmeni_driver::Driver>, nonce: u64) {
    let mut pair = Pair::new(driver);
    let mut received = [0; 8];
    std::thread::yield_now();
    if nonce.is_multiple_of(2) {
        // An abandoned wait, so that a waker is left behind when the source goes.
        let abandoned = pair.near.poll_read(std::task::Waker::noop(), &mut received);
        assert!(abandoned.is_pending());
    }
    pair.far.write_all(&nonce.to_ne_bytes()).unwrap();
    let count = block_on(|waker| pair.near.poll_read(waker, &mut received)).unwrap();
    assert_eq!((count, u64::from_ne_bytes(received)), (8, nonce));
    let count = block_on(|waker| pair.near.poll_write(waker, &received)).unwrap();
    assert_eq!(count, 8);
    pair.far.read_exact(&mut received).unwrap();
    assert_eq!(u64::from_ne_bytes(received), nonce);
}

/// Two threads read and two write at one socket, whose other end echoes: everything arrives.
#[test]
fn crowd_at_one_socket_loses_nothing() {
    const EACH: usize = 1 << 20;
    with_each_poller(|driver| {
        let Pair { near, far } = Pair::new(driver);
        let near = &near;
        with_turns(driver, || {
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    std::io::copy(&mut (&far), &mut (&far)).unwrap();
                    far.shutdown(std::net::Shutdown::Write).unwrap();
                });
                let readers: Vec<_> = (0..2).map(|_| scope.spawn(|| drain(near))).collect();
                let writers: Vec<_> = (0..2).map(|_| scope.spawn(|| push(near, EACH))).collect();
                writers.into_iter().for_each(|writer| writer.join().unwrap());
                near.stream.shutdown(std::net::Shutdown::Write).unwrap();
                let total: usize = readers.into_iter().map(|reader| reader.join().unwrap()).sum();
                assert_eq!(total, 2 * EACH);
            });
        });
    });
}

fn push(line: &crate::kitchen::Line, mut left: usize) {
    let data = [1; 3000];
    while left > 0 {
        let count = left.min(data.len());
        left -= block_on(|waker| line.poll_write(waker, &data[..count])).unwrap();
    }
}

fn drain(line: &crate::kitchen::Line) -> usize {
    let mut total = 0;
    let mut buffer = [0; 2000];
    loop {
        let read = block_on(|waker| match line.poll_read(waker, &mut buffer) {
            Poll::Ready(result) => Poll::Ready(result.unwrap()),
            Poll::Pending => Poll::Pending,
        });
        if read == 0 {
            return total;
        }
        total += read;
    }
}
