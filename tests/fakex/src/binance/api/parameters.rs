//! The parameters of a request, as text, from JSON or from a query.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::refused::Refused;
use crate::decimal;
use crate::http::decoded;

/// Parameters that every signed request has.
const OF_ALL: [&str; 5] = ["apiKey", "timestamp", "recvWindow", "signature", "returnRateLimits"];

/// Parameters of orders that are known and not built.
const NOT_BUILT: [&str; 7] = [
    "icebergQty",
    "trailingDelta",
    "pegPriceType",
    "pegOffsetValue",
    "pegOffsetType",
    "sideEffectType",
    "listClientOrderId",
];

/// Parameters by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// From the members of a JSON object; numbers stay as they are written.
    pub(super) fn of_json(members: &BTreeMap<String, Box<RawValue>>) -> Self {
        let text = |raw: &RawValue| {
            serde_json::from_str::<String>(raw.get()).unwrap_or_else(|_| raw.get().to_owned())
        };
        let members = members.iter().filter(|(_, raw)| raw.get() != "null");
        Self(members.map(|(name, raw)| (name.clone(), text(raw))).collect())
    }

    /// From a query or a body, percent-encoding undone.
    pub(super) fn of_query(query: &str) -> Result<Self, Refused> {
        let mut parameters = BTreeMap::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if parameters.insert(decoded(name), decoded(value)).is_some() {
                return Err(Refused::new(-1101, "Duplicate values for a parameter detected."));
            }
        }
        Ok(Self(parameters))
    }

    /// What a WebSocket request signs: all parameters but the signature, by name, as they are.
    pub(super) fn payload(&self) -> String {
        let signed = self.0.iter().filter(|(name, _)| *name != "signature");
        let pairs: Vec<String> = signed.map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("&")
    }

    /// A parameter that is there and not empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    pub(super) fn needed(&self, name: &str) -> Result<&str, Refused> {
        self.text(name).ok_or_else(|| Refused::missing(name))
    }

    /// A whole number, where there is one.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Refused> {
        let illegal = || Refused::illegal(name, "^[0-9]{1,20}$");
        let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let text = self.text(name);
        text.map(|text| text.parse().ok().filter(|_| is_plain(text)).ok_or_else(illegal)).transpose()
    }

    /// A time in nanoseconds; one of sixteen digits or more is in microseconds.
    pub(super) fn time_ns(&self, name: &str) -> Result<Option<i64>, Refused> {
        let Some(number) = self.number(name)? else { return Ok(None) };
        let scale = if number >= 1_000_000_000_000_000 { 1_000 } else { 1_000_000 };
        let time_ns = i64::try_from(number).ok().and_then(|number| number.checked_mul(scale));
        let invalid = || Refused::new(-1130, format!("Data sent for parameter '{name}' is not valid."));
        time_ns.map(Some).ok_or_else(invalid)
    }

    /// Text with at most eight places, above zero.
    pub(super) fn decimal(&self, name: &str) -> Result<Option<&str>, Refused> {
        let Some(text) = self.text(name) else { return Ok(None) };
        match (decimal::units(text, 8), decimal::is_plain(text)) {
            (Some(0), _) => Err(Refused::missing(name)),
            (Some(_), _) => Ok(Some(text)),
            (None, true) => Err(Refused::new(-1111, format!("Parameter '{name}' has too much precision."))),
            (None, false) => Err(Refused::illegal(name, "^([0-9]{1,20})(\\.[0-9]{1,20})?$")),
        }
    }

    /// Refuses what no parameter of the request is.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Refused> {
        if self.0.keys().any(|name| NOT_BUILT.contains(&name.as_str())) {
            return Err(Refused::of_code(-1014));
        }
        let is_read = |name: &&String| {
            known.contains(&name.as_str())
                || OF_ALL.contains(&name.as_str())
                || (known.contains(&"newOrderRespType") && *name == "selfTradePreventionMode")
        };
        let read = self.0.keys().filter(is_read).count();
        if read == self.0.len() {
            return Ok(());
        }
        let sent = self.0.len();
        let msg =
            format!("Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'.");
        Err(Refused::new(-1104, msg))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_json_are_signed_as_they_are_written() {
        let members = r#"{"timestamp":1645423376532,"quantity":"0.01000000","price":52000.00,"symbol":"BTCUSDT",
            "signature":"x","icebergQty":null}"#;
        let members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(members).unwrap();
        let parameters = Parameters::of_json(&members);
        let payload = "price=52000.00&quantity=0.01000000&symbol=BTCUSDT&timestamp=1645423376532";
        assert_eq!(parameters.payload(), payload);
        assert_eq!(parameters.only(&["price", "quantity", "symbol"]), Ok(()));
        assert_eq!(parameters.only(&["price"]).unwrap_err().code, -1104);
        assert_eq!(parameters.time_ns("timestamp"), Ok(Some(1_645_423_376_532_000_000)));
    }

    #[test]
    fn queries_are_decoded_and_numbers_read_strictly() {
        let query = "a=%EF%BC%91&n=7&p=1.123456789&x=1e3&z=0&t=1645423376532001";
        let parameters = Parameters::of_query(query).unwrap();
        assert_eq!((parameters.text("a"), parameters.number("n")), (Some("１"), Ok(Some(7))));
        assert_eq!(parameters.time_ns("t"), Ok(Some(1_645_423_376_532_001_000)));
        let code = |name: &str| parameters.decimal(name).unwrap_err().code;
        assert_eq!((code("p"), code("x"), code("z")), (-1111, -1100, -1102));
        assert_eq!(parameters.number("a").unwrap_err().code, -1100);
        assert_eq!(Parameters::of_query("a=1&a=2").unwrap_err().code, -1101);
    }
}
