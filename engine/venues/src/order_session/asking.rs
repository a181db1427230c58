//! Requests of an order connection that go by HTTP, each on a thread of its own, so that the connection never waits for one.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::task::JoinSet;

use crate::order_request::{Asked, OrderRequest};
use crate::outside::{HttpAnswer, HttpRequest, Outside};

/// What each request behind one number was answered, or why there is no answer.
pub(crate) type Answers = Vec<Result<HttpAnswer, String>>;

/// Whether a request waits for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// It goes at once: orders and their ends.
    Act,
    /// One after the other, in the order they were made.
    Question,
}

impl Lane {
    /// Orders and their ends wait for no question.
    pub(super) const fn of(request: &OrderRequest) -> Self {
        match request.asked() {
            Asked::Place | Asked::Cancel | Asked::Replace => Self::Act,
            Asked::Query | Asked::Read => Self::Question,
        }
    }
}

/// What was asked under one number, and answered so far.
#[derive(Debug)]
pub(super) struct Replied {
    pub(super) number: u64,
    lane: Lane,
    pub(super) answers: Answers,
}

/// The requests on their way, and those that wait for their turn.
#[derive(Debug)]
pub(crate) struct Asking {
    outside: Arc<dyn Outside>,
    under_way: JoinSet<Replied>,
    waiting: VecDeque<(Replied, Vec<HttpRequest>)>,
    is_questioning: bool,
}

impl Asking {
    pub(crate) fn new(outside: Arc<dyn Outside>) -> Self {
        Self { outside, under_way: JoinSet::new(), waiting: VecDeque::new(), is_questioning: false }
    }

    /// Asks `requests`, which together are answered as request `number`, one after the other.
    pub(super) fn ask(&mut self, number: u64, lane: Lane, requests: Vec<HttpRequest>) {
        let nothing = Replied { number, lane, answers: Vec::new() };
        match lane {
            Lane::Act => self.begin(nothing, requests),
            Lane::Question => {
                self.waiting.push_back((nothing, requests));
                self.go_on();
            }
        }
    }

    /// Begins what waits, where nothing is before it.
    pub(super) fn go_on(&mut self) {
        if self.is_questioning {
            return;
        }
        if let Some((so_far, requests)) = self.waiting.pop_front() {
            self.is_questioning = true;
            self.begin(so_far, requests);
        }
    }

    /// What waits is asked no more: the connection it was asked for is gone.
    pub(super) fn forget_waiting(&mut self) {
        self.waiting.clear();
    }

    /// Asks on, behind what was answered `so_far`. A question goes behind what waits: some venues want the requests of a key in the
    /// order they were signed.
    pub(super) fn go_on_with(&mut self, so_far: Replied, request: HttpRequest) {
        match so_far.lane {
            Lane::Act => self.begin(so_far, vec![request]),
            Lane::Question => self.waiting.push_back((so_far, vec![request])),
        }
    }

    fn begin(&mut self, mut so_far: Replied, requests: Vec<HttpRequest>) {
        let outside = Arc::clone(&self.outside);
        self.under_way.spawn_blocking(move || {
            so_far.answers.extend(requests.iter().map(|request| outside.ask(request)));
            so_far
        });
    }

    /// The next that is answered; never where nothing is on its way.
    pub(super) async fn answered(&mut self) -> Replied {
        match self.under_way.join_next().await {
            Some(Ok(replied)) => {
                self.is_questioning &= replied.lane != Lane::Question;
                replied
            }
            Some(Err(_)) => {
                // A thread that broke off has told nothing, and holds up nobody.
                self.is_questioning = false;
                core::future::pending().await
            }
            None => core::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Mutex;
    use std::time::Duration;

    use super::*;
    use crate::outside::{Dialled, Work};

    /// Remembers what was asked, and takes its time over some of it.
    #[derive(Debug, Default)]
    struct Slow(Mutex<Vec<String>>);

    impl Outside for Slow {
        fn dial<'a>(&'a self, _host: &'a str, _port: u16) -> Dialled<'a> {
            Box::pin(async { Err(io::ErrorKind::ConnectionRefused.into()) })
        }

        fn get(&self, _url: &str) -> Result<HttpAnswer, String> {
            Err("no".to_owned())
        }

        fn ask(&self, request: &HttpRequest) -> Result<HttpAnswer, String> {
            let took = if request.url.contains("slow") { 200 } else { 1 };
            std::thread::sleep(Duration::from_millis(took));
            self.0.lock().unwrap().push(request.url.clone());
            Ok(HttpAnswer { status: 200, retry_after: None, body: request.url.clone() })
        }

        fn keep(&self, _name: &str, _work: Work) -> io::Result<()> {
            Ok(())
        }

        fn elapsed(&self) -> Duration {
            Duration::ZERO
        }

        fn wait(&self, _span: Duration) {}
    }

    fn request(url: &str) -> HttpRequest {
        HttpRequest { verb: "GET", url: url.to_owned(), headers: Vec::new(), body: None }
    }

    #[tokio::test]
    async fn questions_stand_in_line_and_orders_pass_them() {
        let outside = Arc::new(Slow::default());
        let mut asking = Asking::new(outside.clone());
        asking.ask(1, Lane::Question, vec![request("slow 1"), request("then 1")]);
        asking.ask(2, Lane::Question, vec![request("quick 2")]);
        asking.ask(3, Lane::Act, vec![request("order 3")]);
        let mut numbers = Vec::new();
        for _ in 0..3 {
            let replied = asking.answered().await;
            assert!(replied.answers.iter().all(Result::is_ok));
            numbers.push(replied.number);
            asking.go_on();
        }
        assert_eq!(numbers, [3, 1, 2]);
        assert_eq!(*outside.0.lock().unwrap(), ["order 3", "slow 1", "then 1", "quick 2"]);
    }

    #[tokio::test]
    async fn what_else_belongs_to_a_question_stands_in_line_behind_others() {
        let outside = Arc::new(Slow::default());
        let mut asking = Asking::new(outside.clone());
        asking.ask(1, Lane::Question, vec![request("page 1")]);
        asking.ask(2, Lane::Question, vec![request("2")]);
        let first = asking.answered().await;
        asking.go_on_with(first, request("page 2"));
        asking.go_on();
        assert_eq!(asking.answered().await.number, 2);
        asking.go_on();
        let whole = asking.answered().await;
        assert_eq!((whole.number, whole.answers.len()), (1, 2));
        assert_eq!(*outside.0.lock().unwrap(), ["page 1", "2", "page 2"]);
    }

    #[tokio::test]
    async fn what_waits_is_forgotten_with_its_connection() {
        let outside = Arc::new(Slow::default());
        let mut asking = Asking::new(outside.clone());
        asking.ask(1, Lane::Question, vec![request("slow 1")]);
        asking.ask(2, Lane::Question, vec![request("2")]);
        asking.forget_waiting();
        assert_eq!(asking.answered().await.number, 1);
        asking.go_on();
        let more = tokio::time::timeout(Duration::from_millis(20), asking.answered()).await;
        assert!(more.is_err());
    }
}
