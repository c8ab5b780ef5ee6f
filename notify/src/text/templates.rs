//! The file of templates. Every field is needed, so that a missing text is an error and never an empty message.

use serde::Deserialize;

/// All texts of a language.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Texts {
    pub(super) months: [String; 12],
    pub(super) tablet: Tablet,
    pub(super) reasons: Reasons,
    pub(super) resets: Resets,
    pub(super) states: States,
    pub(super) classes: Classes,
    pub(super) sim_quota_80: Quota,
    pub(super) sim_exhausted: Exhausted,
    pub(super) sim_restored: Restored,
    pub(super) tablet_idle: Idle,
    pub(super) sim_moved: Moved,
    pub(super) possible_sharing: Sharing,
    pub(super) record_conflict: Counted,
    pub(super) grant_expiring: Expiring,
    pub(super) orders_held: Counted,
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident { $($field:ident),* })*) => {
        $($(#[$doc])*
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $name {
            $(pub(super) $field: String),*
        })*
    };
}

texts! {
    Tablet { tagged, untagged, of_tagged, of_untagged, for_tagged, for_untagged }
    Reasons { reset, limit_raised }
    Resets { ends, until, up_to }
    States { block, throttle }
    Classes { education, system, other, unknown }
    Quota { fire, fire_without_date, resolve }
    Exhausted { fire, fire_without_cut }
    Restored { resolve, resolve_without_cut, resolve_without_quota }
    Idle { fire, resolve, resolve_unused }
    Moved { fire, update, resolve, resolve_assigned }
    Sharing { fire, resolve }
    Expiring { fire, resolve, resolve_ended }
    /// A text that counts, and its end.
    Counted { one, many, resolve }
}
