//! Who a connection is logged on as, and what it hears of the account.

use std::collections::BTreeMap;

/// The state of a connection to an interface for orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) connected_ms: i64,
    /// The key that was logged on, and when.
    pub(crate) key: Option<(String, i64)>,
    /// Subscriptions to what happens to the account, by number, each with the key that made it.
    pub(crate) subscriptions: BTreeMap<u32, String>,
    pub(crate) subscriptions_opened: u32,
    /// Whether answers tell how much of the limits is used.
    pub(crate) tells_limits: bool,
}

impl Login {
    pub(crate) fn new(connected_ms: i64, tells_limits: bool) -> Self {
        Self {
            connected_ms,
            key: None,
            subscriptions: BTreeMap::new(),
            subscriptions_opened: 0,
            tells_limits,
        }
    }

    /// Takes on a subscription; its number, or nothing where there is one already.
    pub(crate) fn subscribe(&mut self, key: &str) -> Option<u32> {
        if !self.subscriptions.is_empty() {
            return None;
        }
        let number = self.subscriptions_opened;
        self.subscriptions_opened += 1;
        self.subscriptions.insert(number, key.to_owned());
        Some(number)
    }
}

/// A private channel of Kraken, or Coinbase's one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    Executions,
    Balances,
    User,
}

impl Channel {
    /// Its name, also for faults.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Executions => "executions",
            Self::Balances => "balances",
            Self::User => "user",
        }
    }
}

/// The private channels of a connection, each with the key that opened it, and with a number of its messages of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Private {
    executions: Option<String>,
    balances: Option<String>,
    user: Option<String>,
    executions_sent: u64,
    balances_sent: u64,
    user_sent: u64,
}

impl Private {
    /// Opens a channel for a key, or closes it.
    pub(crate) fn set(&mut self, channel: Channel, key: Option<String>) {
        match channel {
            Channel::Executions => self.executions = key,
            Channel::Balances => self.balances = key,
            Channel::User => self.user = key,
        }
    }

    /// Whether Coinbase's channel is open.
    pub(crate) fn hears_user(&self) -> bool {
        self.user.is_some()
    }

    /// The number of the next message of a channel, where it is open.
    pub(crate) fn next(&mut self, channel: Channel) -> Option<u64> {
        let (key, sent) = match channel {
            Channel::Executions => (&self.executions, &mut self.executions_sent),
            Channel::Balances => (&self.balances, &mut self.balances_sent),
            Channel::User => (&self.user, &mut self.user_sent),
        };
        key.as_ref()?;
        *sent += 1;
        Some(*sent)
    }

    /// Closes what a key opened.
    pub(crate) fn close(&mut self, key: &str) {
        for open in [&mut self.executions, &mut self.balances, &mut self.user] {
            open.take_if(|name| name == key);
        }
    }
}
