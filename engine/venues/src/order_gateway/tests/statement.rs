//! When what the venue says of the account counts, and what it says of the key.

use super::*;

#[test]
fn a_statement_counts_only_where_nothing_else_is_said() {
    let mut gateway = ready();
    let snapshot = || {
        let held = |asset: &str, free: &str| Balance {
            asset: asset.into(),
            free: decimal(free).unwrap(),
            locked: None,
        };
        let balances = vec![held("USDT", "5"), held("BTC", "0.1"), held("ETH", "0")];
        AccountMessage::Snapshot(AccountSnapshot { balances, may_trade: None, venue_at: None })
    };
    let answer = || OrderAnswer { outcome: Outcome::Answered, messages: vec![snapshot()], next_page: None };
    gateway.tick(at(1));
    let numbers = sent(&mut gateway, at(1));
    gateway.answered(at(50), numbers[0], answer());
    gateway.told(
        at(300),
        AccountMessage::BalanceChange(crate::account_message::BalanceChange {
            balances: Vec::new(),
            venue_at: None,
        }),
    );
    gateway.tick(at(560));
    assert!(inputs(&mut gateway).is_empty(), "something was said behind it");
    gateway.tick(at(801));
    let numbers = sent(&mut gateway, at(801));
    gateway.answered(at(850), numbers[0], answer());
    gateway.tick(at(1_349));
    assert!(inputs(&mut gateway).is_empty());
    gateway.tick(at(1_350));
    assert_eq!(inputs(&mut gateway), ["stated 2"]);
    let made = requests(&mut gateway);
    let [(open, OrderRequest::OpenOrders { .. }), (fills, OrderRequest::Fills { .. })] = made.as_slice()
    else {
        panic!("{made:?}")
    };
    [open, fills]
        .into_iter()
        .for_each(|number| gateway.answered(at(1_351), *number, OrderAnswer::saying(Vec::new())));
    assert_eq!(gateway.next_at(), Some(at(31_350)), "and again half a minute later");
}

#[test]
fn a_key_that_may_withdraw_halts() {
    let mut gateway = ready();
    let key = crate::account_message::Permissions {
        may_view: Some(true),
        may_trade: Some(true),
        may_withdraw: Some(true),
    };
    gateway.told(at(1), AccountMessage::Permissions(key));
    assert_eq!(inputs(&mut gateway), ["halt"]);
    assert!(gateway.take_notice().is_some_and(|line| line.contains("move assets out")));
}
