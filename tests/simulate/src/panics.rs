//! Panics of what is simulated are findings: told with their place, and not printed.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
}

static HOOK: Once = Once::new();

/// Runs it; a panic becomes its message.
///
/// # Errors
/// It panicked.
pub fn caught<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    HOOK.call_once(|| {
        std::panic::set_hook(Box::new(|panic| {
            LAST.with_borrow_mut(|last| *last = panic.to_string());
        }));
    });
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| LAST.with_borrow(String::clone))
}
