//! Work shared out over the cores, its answers in the order of the work.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Does `work` on every job, on as many threads as there are cores; `done` hears how many are finished.
///
/// Answers come in the order of `jobs`, whichever finished first.
///
/// # Errors
/// That of the first job, in the order of `jobs`, among those that failed before the others were stopped.
pub fn in_parallel<J: Sync, A: Send, E: Send>(
    jobs: &[J],
    work: impl Fn(&J) -> Result<A, E> + Sync,
    done: impl Fn(usize) + Sync,
) -> Result<Vec<A>, E> {
    let (next, finished, failed) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicBool::new(false));
    let worker = || {
        let mut answers = Vec::new();
        while !failed.load(Ordering::Relaxed) {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = jobs.get(place) else { break };
            let answer = work(job);
            failed.fetch_or(answer.is_err(), Ordering::Relaxed);
            answers.push((place, answer));
            done(finished.fetch_add(1, Ordering::Relaxed) + 1);
        }
        answers
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut answers: Vec<(usize, Result<A, E>)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores.min(jobs.len()).max(1)).map(|_| scope.spawn(worker)).collect();
        let joined = threads.into_iter().map(|thread| {
            // A panic of one thread is a panic of the whole.
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        joined.flatten().collect()
    });
    answers.sort_by_key(|(place, _)| *place);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_keep_the_order_of_the_work() {
        let jobs: Vec<u64> = (0..200).collect();
        let slow =
            |job: &u64| Ok::<u64, ()>((0..(200 - job) * 500).fold(*job, |sum, next| sum ^ next ^ next));
        let heard = AtomicUsize::new(0);
        let answers = in_parallel(&jobs, slow, |_| {
            heard.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(answers.unwrap(), jobs);
        assert_eq!(heard.into_inner(), 200);
        assert_eq!(in_parallel(&Vec::<u64>::new(), slow, |_| ()).unwrap(), Vec::<u64>::new());
    }

    #[test]
    fn a_failure_stops_the_rest() {
        let jobs: Vec<usize> = (0..100_000).collect();
        let tried = AtomicUsize::new(0);
        let work = |job: &usize| {
            tried.fetch_add(1, Ordering::Relaxed);
            if *job >= 10 { Err(*job) } else { Ok(*job) }
        };
        assert!(in_parallel(&jobs, work, |_| ()).unwrap_err() >= 10);
        assert!(tried.into_inner() < 100_000);
    }
}
