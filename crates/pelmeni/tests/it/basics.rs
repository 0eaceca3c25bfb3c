use pelmeni::{Builder, gather, sleep, spawn, yield_now};
use std::time::Duration;

fn each(test: impl Fn(&pelmeni::Runtime)) {
    for threads in [1, 2, 8] {
        let runtime = Builder::new().threads(threads).build().unwrap();
        test(&runtime);
        let report = runtime.close();
        assert!(report.is_clean(), "{threads} threads: {report}");
    }
}

#[test]
fn spawn_and_join() {
    each(|runtime| {
        let sum: u64 = runtime.run(async {
            let handles: Vec<_> = (0..1000u64).map(|i| spawn(async move { yield_now().await; i })).collect();
            let mut sum = 0;
            for handle in handles {
                sum += handle.await.unwrap();
            }
            sum
        });
        assert_eq!(sum, 499_500);
    });
}

#[test]
fn sleeps_together() {
    each(|runtime| {
        runtime.run(async {
            gather([sleep(Duration::from_millis(20)), sleep(Duration::from_millis(10))]).await;
        });
    });
}
