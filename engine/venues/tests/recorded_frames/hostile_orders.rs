//! Frames and answers about orders and accounts that no venue would send: whatever comes, a parser answers, and an answer that
//! was sent for and cannot be read is never taken for a refusal.

use engine_venues::dialect::binance::api_call::Method;
use engine_venues::dialect::binance::api_frame::{self, ApiFrame, Reply, ReplyBody};
use engine_venues::dialect::coinbase::private_request::{PrivateMethod as CoinbaseMethod, cancelled};
use engine_venues::dialect::coinbase::user_frame;
use engine_venues::dialect::kraken::private_frame::PrivateFrame;
use engine_venues::dialect::kraken::private_request::PrivateMethod as KrakenMethod;
use engine_venues::order_answer::OrderAnswer;
use engine_venues::order_request::Asked;
use engine_venues::outcome::Outcome;
use engine_venues::venue_time::TimeUnit;

use crate::frames::archive;
use crate::hostile::POISON;
use crate::mutated::{Random, change, setting};

/// Frames and answers of all venues, values made up.
const SHAPES: [&str; 16] = [
    r#"{"subscriptionId":0,"event":{"e":"executionReport","E":1784000000200,"s":"BTCUSDT","c":"e1-42","S":"BUY","q":"0.002","C":"","x":"TRADE","X":"PARTIALLY_FILLED","r":"NONE","i":4293153,"l":"0.0005","z":"0.0005","L":"64000.00","n":"0.0000005","N":"BTC","T":1784000000199,"t":98765432,"I":8641984,"m":true,"Z":"32"}}"#,
    r#"{"subscriptionId":0,"event":{"e":"outboundAccountPosition","E":9,"u":8,"B":[{"a":"ETH","f":"10.5","l":"0.0"}]}}"#,
    r#"{"subscriptionId":0,"event":{"e":"balanceUpdate","E":9,"a":"BTC","d":"-100.0","T":7}}"#,
    r#"{"subscriptionId":0,"event":{"e":"listStatus","E":9,"s":"ETHBTC","g":2,"L":"EXECUTING","C":"F4QN","T":7,"O":[{"s":"ETHBTC","i":17,"c":"a"}]}}"#,
    r#"{"id":"1","status":200,"result":{"symbol":"BTCUSDT","orderId":28,"clientOrderId":"e1-7","transactTime":1507725176595,"origQty":"6","executedQty":"6.0","cummulativeQuoteQty":"23997","status":"FILLED","side":"SELL","fills":[{"price":"4000","qty":"1.0","commission":"4.0","commissionAsset":"USDT","tradeId":56}]}}"#,
    r#"{"id":"1","status":400,"error":{"code":-2010,"msg":"Duplicate order sent.","data":{"retryAfter":1659146400000}}}"#,
    r#"{"id":"1","status":200,"result":{"canTrade":true,"updateTime":7,"balances":[{"asset":"BNB","free":"0.0","locked":"1"}]}}"#,
    r#"{"channel":"executions","type":"update","data":[{"order_id":"OK","cl_ord_id":"e1-7","exec_id":"TG","exec_type":"trade","symbol":"BTC/USD","side":"sell","last_qty":0.005,"last_price":26599.9,"liquidity_ind":"t","timestamp":"2023-09-22T10:33:05.709993Z","order_status":"partially_filled","cum_qty":0.005,"cum_cost":132.9995,"avg_price":26599.9,"fees":[{"asset":"USD","qty":0.3458}]}],"sequence":10}"#,
    r#"{"channel":"balances","type":"update","data":[{"timestamp":"2023-09-22T10:33:05.710082Z","type":"deposit","asset":"BTC","amount":-0.005,"balance":0.005}],"sequence":9}"#,
    r#"{"method":"add_order","req_id":42,"success":true,"result":{"order_id":"OABCDE","cl_ord_id":"e1-7"}}"#,
    r#"{"error":[],"result":{"open":{"O2":{"status":"open","opentm":1688583840.8648,"descr":{"pair":"XBTUSDT","type":"buy"},"vol":"0.5","vol_exec":"0.0","cost":"0.0","fee":"0.0"}}}}"#,
    r#"{"error":["EOrder:Insufficient funds"]}"#,
    r#"{"channel":"user","timestamp":"2026-04-07T14:30:06Z","sequence_num":4,"events":[{"type":"update","orders":[{"order_id":"a-1","client_order_id":"e1-1","cumulative_quantity":"0.0004","avg_price":"68900.5","total_fees":"0.02","status":"OPEN","product_id":"BTC-USD","order_side":"BUY"}]}]}"#,
    r#"{"success":false,"error_response":{"error":"INSUFFICIENT_FUND","message":"Insufficient balance","preview_failure_reason":"PREVIEW_INSUFFICIENT_FUND"}}"#,
    r#"{"results":[{"success":false,"failure_reason":"UNKNOWN_CANCEL_ORDER","order_id":"a"}]}"#,
    r#"{"fills":[{"trade_id":"u","order_id":"o","trade_time":"2024-01-15T10:30:00Z","price":"2","size":"3","commission":"-0.5","product_id":"BTC-USDC","liquidity_indicator":"MAKER","side":"BUY"}],"cursor":"next"}"#,
];

const BINANCE: [Method; 7] = [
    Method::Place,
    Method::Cancel,
    Method::OpenOrders,
    Method::Account,
    Method::Fills,
    Method::LogOn,
    Method::Subscribe,
];

const KRAKEN: [KrakenMethod; 8] = [
    KrakenMethod::AddOrder,
    KrakenMethod::CancelOrder,
    KrakenMethod::QueryOrders,
    KrakenMethod::OpenOrders,
    KrakenMethod::ClosedOrders,
    KrakenMethod::TradesHistory,
    KrakenMethod::Balance,
    KrakenMethod::BalanceEx,
];

const COINBASE: [CoinbaseMethod; 7] = [
    CoinbaseMethod::Place,
    CoinbaseMethod::Cancel,
    CoinbaseMethod::Order,
    CoinbaseMethod::Orders,
    CoinbaseMethod::Fills,
    CoinbaseMethod::Accounts,
    CoinbaseMethod::KeyPermissions,
];

/// Shows a text to every parser; nothing may panic. Answers how many messages were read.
fn show(text: &str) -> usize {
    let unit = TimeUnit::Milliseconds;
    let said = |answer: OrderAnswer| answer.messages.len();
    let mut read = 0;
    match ApiFrame::parse(text, unit) {
        Ok(ApiFrame::Reply(reply)) => {
            read += BINANCE.map(|method| said(reply.answer(method, unit))).iter().sum::<usize>();
        }
        Ok(ApiFrame::Event(_)) => read += 1,
        Err(_) => {}
    }
    let bare = Reply { id: None, body: ReplyBody::Result(text.to_owned()), limits: Vec::new() };
    read += BINANCE.map(|method| said(bare.answer(method, unit))).iter().sum::<usize>();
    read += said(api_frame::permissions(text));
    match PrivateFrame::parse(text) {
        Ok(PrivateFrame::Reply { answer, .. }) => read += said(answer),
        Ok(PrivateFrame::Said { messages, .. }) => read += messages.len(),
        Err(_) => {}
    }
    read += KRAKEN.map(|method| said(method.answer(200, None, text))).iter().sum::<usize>();
    read += user_frame::messages(text).map_or(0, |messages| messages.len());
    read += COINBASE.map(|method| said(method.answer(200, None, text))).iter().sum::<usize>();
    drop(cancelled(&["a"], 200, Some(text), text));
    for status in [400, 418, 429, 500] {
        drop(api_frame::rest_outcome(Asked::Place, status, Some(text), text));
        drop((KRAKEN[0].answer(status, None, text), COINBASE[0].answer(status, None, text)));
    }
    read
}

/// What a new order is answered when the answer is `text`, at each venue.
fn placed(text: &str) -> [Outcome; 3] {
    let reply = Reply { id: None, body: ReplyBody::Result(text.to_owned()), limits: Vec::new() };
    [
        reply.answer(Method::Place, TimeUnit::Milliseconds).outcome,
        KrakenMethod::AddOrder.answer(200, None, text).outcome,
        CoinbaseMethod::Place.answer(200, None, text).outcome,
    ]
}

#[test]
fn every_value_of_every_shape_may_be_poisoned() {
    let mut silent = 0;
    for shape in SHAPES {
        assert!(show(shape) > 0 || shape.contains("rror") || shape.contains("results"), "{shape}");
        for (at, _) in shape.match_indices([',', '}', ']']) {
            let begin = shape[..at].rfind([':', ',', '[', '{']).unwrap() + 1;
            for poison in POISON {
                let poisoned = format!("{}{poison}{}", &shape[..begin], &shape[at..]);
                silent += usize::from(show(&poisoned) == 0);
            }
        }
    }
    assert!(silent > 500, "{silent}");
}

#[test]
fn an_answer_that_cannot_be_read_is_never_a_refusal() {
    let taken = [SHAPES[4], SHAPES[9], SHAPES[10]];
    for text in
        ["", "null", "7", "[]", "{}", "<html>502</html>", "{\"", "\u{feff}{}"].into_iter().chain(taken)
    {
        for outcome in placed(text) {
            assert!(matches!(outcome, Outcome::Unknown(_)), "{text}: {outcome:?}");
        }
    }
}

/// What venues really sent of orders and accounts; the made-up shapes beside it.
fn sent() -> Vec<String> {
    let mut texts: Vec<String> = SHAPES.map(str::to_owned).to_vec();
    for name in ["nautilus_adapter_binance", "nautilus_adapter_kraken", "nautilus_adapter_coinbase"] {
        for (path, bytes) in archive(name).unwrap_or_default() {
            let about = ["order", "account", "balance", "execution", "user", "fills", "trades_history"];
            if about.iter().any(|part| path.contains(part)) && bytes.len() <= 6_000 {
                texts.extend(String::from_utf8(bytes).ok());
            }
        }
    }
    texts
}

#[test]
fn what_venues_sent_of_orders_may_be_changed_in_any_way() {
    let texts = sent();
    let (cases, seed) = (setting("MUTATED_FRAMES", 20_000), setting("MUTATED_FRAMES_SEED", 1));
    let mut silent = 0_u64;
    for case in 0..cases {
        let mut random = Random::new(seed, case);
        let mut bytes = texts[random.below(texts.len())].clone().into_bytes();
        for _ in 0..=random.below(4) {
            change(&mut bytes, &texts, &mut random);
        }
        silent += u64::from(show(&String::from_utf8_lossy(&bytes)) == 0);
    }
    println!("{cases} texts from {} that were sent, of which {silent} say nothing", texts.len());
    assert!(cases < 1_000 || (silent > cases / 10 && silent < cases * 99 / 100), "{silent} of {cases}");
}

#[test]
fn deep_nesting_and_long_texts_are_answered() {
    for text in [
        "[".repeat(200_000),
        "{\"event\":".repeat(100_000),
        format!("{{\"error\":[],\"result\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000)),
        format!("{{\"channel\":\"user\",\"events\":[{}]}}", "{},".repeat(100_000)),
        format!("{{\"e\":\"balanceUpdate\",\"a\":\"A\",\"d\":\"{}\"}}", "9".repeat(1_000_000)),
    ] {
        show(&text);
    }
}
