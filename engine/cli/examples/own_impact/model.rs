//! A fill model of one's own: impact in proportion to an order's share of what the market traded.

use engine_core::num::Ratio;
use replay_simulation::impact::{ImpactModel, Taking};
use serde::Serialize;
use strategies::registration::OwnKey;
use strategies::settings::{SettingError, Settings, ratio_text};

use engine_application::config::OwnImpact;

/// Its settings, which are all that it is.
#[derive(Debug)]
pub(crate) struct Linear {
    /// Impact of an order as large as all that was traded, and the most there is.
    whole: Ratio,
}

impl ImpactModel for Linear {
    fn max(&self) -> Ratio {
        self.whole
    }

    fn impact(&self, taking: &Taking<'_>) -> Ratio {
        let share = taking.participation().map_or(1.0, |share| share.min(1.0));
        Ratio::from_units((self.whole.units() as f64 * share).round() as i64)
    }
}

// Written as it is read: `whole = "2%"` and `whole = 0.02` are one setting.
impl Serialize for Linear {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        serde_json::json!({ "whole": ratio_text(self.whole) }).serialize(out)
    }
}

impl OwnImpact for Linear {
    const NAME: &'static str = "linear";
    const MEANING: &'static str = "impact in proportion to the share of what was traded";
    const KEYS: &'static [OwnKey] = &[OwnKey {
        name: "whole",
        default: "required",
        meaning: "impact of an order as large as all that was traded",
    }];

    fn read(settings: &mut Settings<'_>) -> Result<Self, SettingError> {
        let half = Ratio::from_units(Ratio::ONE.units() / 2);
        let whole = settings.ratio("whole", Ratio::ZERO..=half)?;
        Ok(Self { whole: whole.ok_or_else(|| settings.missing("whole", "a share, as in \"2%\""))? })
    }
}
