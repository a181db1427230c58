//! The program `engine`.

/// Threads come and go for weeks: what they freed must not stay with the process.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    engine_cli::main(std::env::args_os())
}
