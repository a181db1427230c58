//! Questions of one request and of several.

use super::*;

fn question(request: &OrderRequest) -> Question {
    Question::of(request).unwrap()
}

fn query(order: OrderName) -> OrderRequest {
    OrderRequest::Query { symbol: "BTC/USD".to_owned(), order }
}

fn fills(since: FillsSince) -> OrderRequest {
    OrderRequest::Fills { symbol: "BTC/USD".to_owned(), since }
}

fn asked(question: &Question, nonce: u64) -> (&'static str, String) {
    let request = question.request(nonce);
    (request.method.path(), request.body)
}

fn told(result: &str) -> Result<HttpAnswer, String> {
    let body = format!(r#"{{"error":[],"result":{result}}}"#);
    Ok(HttpAnswer { status: 200, retry_after: None, body })
}

const ORDER: &str = r#"{"status":"open","descr":{"pair":"XBTUSD","type":"buy"},"vol":"1.0","vol_exec":"0.0","trades":["T1","T2"]}"#;

fn trade(name: &str) -> String {
    format!(
        r#""{name}":{{"ordertxid":"OA","pair":"XXBTZUSD","time":1688667796.8802,"type":"buy","price":"30010.0","cost":"300.1","fee":"0.5","vol":"0.01"}}"#
    )
}

#[test]
fn most_are_asked_in_one_request() {
    for (request, expected) in [
        (query(OrderName::Venue("OA".to_owned())), ("/0/private/QueryOrders", "nonce=7&txid=OA")),
        (OrderRequest::OpenOrders { symbol: None }, ("/0/private/OpenOrders", "nonce=7")),
        (OrderRequest::Balances, ("/0/private/BalanceEx", "nonce=7")),
        (OrderRequest::Permissions, ("/0/private/GetApiKeyInfo", "nonce=7")),
    ] {
        let (path, body) = asked(&question(&request), 7);
        assert_eq!((path, body.as_str()), expected);
    }
    assert!(Question::of(&fills(FillsSince::Trade(1))).is_err());
    assert!(Question::of(&OrderRequest::CancelAll { symbol: None }).is_err());
}

#[test]
fn an_order_is_not_found_only_where_it_neither_works_nor_has_ended() {
    let request = query(OrderName::Client("e1&1".to_owned()));
    let mut missing = question(&request);
    assert_eq!(asked(&missing, 7), ("/0/private/OpenOrders", "nonce=7&cl_ord_id=e1%261".to_owned()));
    assert_eq!(missing.hear(&told(r#"{"open":{}}"#)), None);
    assert_eq!(asked(&missing, 9), ("/0/private/ClosedOrders", "nonce=9&cl_ord_id=e1%261".to_owned()));
    let answer = missing.hear(&told(r#"{"closed":{},"count":0}"#)).unwrap();
    assert!(matches!(answer.outcome, Outcome::NotFound(_)), "{answer:?}");
    let mut works = question(&request);
    let answer = works.hear(&told(&format!(r#"{{"open":{{"OA":{ORDER}}}}}"#))).unwrap();
    assert_eq!((answer.outcome, answer.messages.len()), (Outcome::Answered, 1));
    let mut ended = question(&request);
    assert_eq!(ended.hear(&told(r#"{"open":{}}"#)), None);
    let answer = ended.hear(&told(&format!(r#"{{"closed":{{"OA":{ORDER}}}}}"#))).unwrap();
    assert_eq!((answer.outcome, answer.messages.len()), (Outcome::Answered, 1));
    // Half an answer proves nothing.
    for broken in [Err("cut".to_owned()), told("7")] {
        let mut half = question(&request);
        assert_eq!(half.hear(&told(r#"{"open":{}}"#)), None);
        let answer = half.hear(&broken).unwrap();
        assert!(matches!(answer.outcome, Outcome::Unknown(_)), "{answer:?}");
    }
}

#[test]
fn the_trades_of_an_order_are_asked_for_by_their_names() {
    let mut question = question(&fills(FillsSince::Order("OA".to_owned())));
    let first = "nonce=7&txid=OA&trades=true&consolidate_taker=false".to_owned();
    assert_eq!(asked(&question, 7), ("/0/private/QueryOrders", first));
    let names: Vec<String> = (0..21).map(|number| format!("\"T{number}\"")).collect();
    let order = ORDER.replace(r#""T1","T2""#, &names.join(","));
    assert_eq!(question.hear(&told(&format!(r#"{{"OA":{order}}}"#))), None);
    let (path, body) = asked(&question, 8);
    assert_eq!((path, body.matches("%2C").count()), ("/0/private/QueryTrades", 19));
    assert_eq!(question.hear(&told(&format!("{{{}}}", trade("T0")))), None);
    assert_eq!(asked(&question, 9), ("/0/private/QueryTrades", "nonce=9&txid=T20".to_owned()));
    let answer = question.hear(&told(&format!("{{{}}}", trade("T20")))).unwrap();
    assert_eq!((answer.outcome, answer.messages.len()), (Outcome::Answered, 2));
    let mut untraded = Question::of(&fills(FillsSince::Order("OA".to_owned()))).unwrap();
    let none = ORDER.replace(r#","trades":["T1","T2"]"#, "");
    let answer = untraded.hear(&told(&format!(r#"{{"OA":{none}}}"#))).unwrap();
    assert_eq!(answer, OrderAnswer::saying(Vec::new()));
}

#[test]
fn trades_since_a_moment_are_read_to_the_last_page() {
    let at = Timestamp::from_nanos(1_688_583_840_999_999_999);
    let mut question = question(&fills(FillsSince::Moment(at)));
    assert_eq!(question.symbol(), Some("BTC/USD"));
    let first = "nonce=7&start=1688583839&ofs=0&consolidate_taker=false".to_owned();
    assert_eq!(asked(&question, 7), ("/0/private/TradesHistory", first));
    let page = |names: &[&str]| {
        let rows: Vec<String> = names.iter().map(|name| trade(name)).collect();
        told(&format!(r#"{{"trades":{{{}}},"count":3}}"#, rows.join(",")))
    };
    assert_eq!(question.hear(&page(&["T3", "T2"])), None);
    assert!(asked(&question, 8).1.contains("ofs=2"));
    let answer = question.hear(&page(&["T1"])).unwrap();
    assert_eq!((answer.outcome, answer.messages.len()), (Outcome::Answered, 3));
    let mut none = Question::of(&fills(FillsSince::Moment(at))).unwrap();
    let answer = none.hear(&told(r#"{"trades":{},"count":0}"#)).unwrap();
    assert_eq!(answer, OrderAnswer::saying(Vec::new()));
    let mut uncounted = Question::of(&fills(FillsSince::Moment(at))).unwrap();
    let rows: Vec<String> = (0..50).map(|number| trade(&format!("T{number}"))).collect();
    assert_eq!(uncounted.hear(&told(&format!(r#"{{"trades":{{{}}}}}"#, rows.join(",")))), None);
    let answer = uncounted.hear(&told(&format!(r#"{{"trades":{{{}}}}}"#, trade("T50")))).unwrap();
    assert_eq!(answer.messages.len(), 51);
}

#[test]
fn a_refusal_ends_a_question() {
    let mut question = question(&OrderRequest::Balances);
    let body = r#"{"error":["EAPI:Rate limit exceeded"]}"#.to_owned();
    let answer = question.hear(&Ok(HttpAnswer { status: 200, retry_after: None, body })).unwrap();
    assert!(matches!(answer.outcome, Outcome::Wait(..)), "{answer:?}");
}
