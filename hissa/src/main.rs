//! The binary `hissa`. What it does is in the library beside it.

fn main() -> std::process::ExitCode {
    hissa::main().into()
}
