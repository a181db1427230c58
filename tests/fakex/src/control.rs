//! The exchange's own interface under `/fakex/`: its clock, its log, and faults by hand.

use crate::exchange::Exchange;
use crate::fault::Fault;
use crate::http::{Request, Response};

/// Records in one page of the log.
const PAGE: usize = 1_000;

/// Answers a request under `/fakex/`.
pub(crate) fn answer(exchange: &mut Exchange, request: &Request) -> Response {
    exchange.catch_up();
    match (request.method.as_str(), request.path()) {
        ("GET", "/fakex/clock") => {
            let clock = &exchange.clock;
            Response::ok(format!("{{\"now_ns\":{},\"speed\":{}}}", clock.now_ns(), clock.speed()))
        }
        ("GET", "/fakex/log") => {
            let from = request.query("from").map_or(Ok(0), |from| from.parse());
            let Ok(from) = from else { return error(400, "`from` is no number") };
            match exchange.log.page(from, PAGE).map(|records| serde_json::to_string(&records)) {
                Ok(Ok(records)) => Response::ok(records),
                Ok(Err(failed)) => error(500, &failed.to_string()),
                Err(failed) => error(500, &failed.to_string()),
            }
        }
        ("POST", "/fakex/fault") => {
            let Ok(text) = std::str::from_utf8(&request.body) else {
                return error(400, "the body is not UTF-8");
            };
            match Fault::from_json(text).map_err(|error| error.to_string()) {
                Ok(fault) => match exchange.set_off(&fault) {
                    Ok(()) => Response::ok("{}".to_owned()),
                    Err(what) => error(400, &what),
                },
                Err(what) => error(400, &what),
            }
        }
        _ => error(404, "known are GET /fakex/clock, GET /fakex/log?from=N and POST /fakex/fault"),
    }
}

fn error(status: u16, what: &str) -> Response {
    Response::refused(status, serde_json::json!({ "error": what }).to_string())
}
