//! What stays inside the database, and what is known to leave it. Names of functions and engines are in small letters.

/// Table functions that read nothing but tables and their own arguments. (`input` is here so that the engine itself
/// says what is wrong with it.)
pub const INSIDE_FUNCTIONS: [&str; 26] = [
    "dictionary",
    "format",
    "fuzzjson",
    "generaterandom",
    "generateseries",
    "generate_series",
    "input",
    "loop",
    "merge",
    "mergetreeanalyzeindexes",
    "mergetreeindex",
    "mergetreeprojection",
    "mergetreetextindex",
    "null",
    "numbers",
    "numbers_mt",
    "primes",
    "sqlstandardvalues",
    "timeseriesdata",
    "timeseriesmetrics",
    "timeseriestags",
    "values",
    "view",
    "viewifpermitted",
    "zeros",
    "zeros_mt",
];

/// Ordinary functions that read files or call out.
pub const OUTSIDE_FUNCTIONS: [&str; 8] = [
    "file",
    "catboostevaluate",
    "aigenerate",
    "aiclassify",
    "aiextract",
    "aitranslate",
    "aiembed",
    "disk",
];

/// Engines of tables and databases that keep everything in the data folder or in memory.
pub const INSIDE_ENGINES: [&str; 25] = [
    "aggregatingmergetree",
    "alias",
    "atomic",
    "buffer",
    "coalescingmergetree",
    "collapsingmergetree",
    "dictionary",
    "generaterandom",
    "graphitemergetree",
    "join",
    "log",
    "materializedview",
    "memory",
    "merge",
    "mergetree",
    "null",
    "ordinary",
    "replacingmergetree",
    "set",
    "stripelog",
    "summingmergetree",
    "tinylog",
    "versionedcollapsingmergetree",
    "view",
    "windowview",
];

/// Statements that only some of their forms stay inside: refused as a whole.
pub const OUTSIDE_STATEMENTS: [&str; 5] = ["BACKUP", "RESTORE", "SNAPSHOT", "COPY", "EXECUTE"];

/// What `SYSTEM` may do here.
pub const INSIDE_SYSTEM: [&str; 9] = [
    "FLUSH", "STOP", "START", "SYNC", "REFRESH", "WAIT", "CLEAR", "DROP", "CANCEL",
];
