//! Kinds of traffic, and their shares of all bytes.

use crate::policy::Class;

/// A kind of traffic as the network tells it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    pub rating_group: u32,
    pub service_id: u32,
    /// The class whose block stops it.
    pub stopped_with: Class,
}

const fn flow(rating_group: u32, service_id: u32, stopped_with: Class) -> Flow {
    Flow {
        rating_group,
        service_id,
        stopped_with,
    }
}

/// Platforms for learning.
pub const EDUCATION: [Flow; 5] = [
    flow(4101, 11, Class::Education),
    flow(4101, 7, Class::Education),
    flow(4102, 0, Class::Education),
    flow(4103, 0, Class::Education),
    // The catalogue knows it from the middle of February only: until then it is unknown.
    flow(4105, 0, Class::Education),
];
/// What teachers teach with.
pub const CODING: Flow = EDUCATION[2];
/// No rule names these; unknown traffic is charged to education, and stops with it.
pub const UNKNOWN: [Flow; 2] = [
    flow(4199, 0, Class::Education),
    flow(30, 5, Class::Education),
];
/// Device management; names and time.
pub const SYSTEM: [Flow; 2] = [flow(4190, 0, Class::System), flow(4191, 0, Class::System)];
/// The rest of the internet; video.
pub const OTHER: [Flow; 2] = [flow(10, 0, Class::Other), flow(20, 0, Class::Other)];

/// Shares of all bytes before enforcement: education, unknown, system, other. Demand is given for the first two.
const DEMANDED: f64 = 0.64 + 0.12;
pub const EDUCATION_SHARE: f64 = 0.64 / DEMANDED;
pub const UNKNOWN_SHARE: f64 = 0.12 / DEMANDED;
pub const SYSTEM_SHARE: f64 = 0.09 / DEMANDED;
pub const OTHER_SHARE: f64 = 0.15 / DEMANDED;

/// How often a record has a container of the class.
pub const UNKNOWN_OFTEN: f64 = 0.45;
pub const SYSTEM_OFTEN: f64 = 0.5;
pub const OTHER_OFTEN: f64 = 0.45;
