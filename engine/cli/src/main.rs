//! The program `engine`.

/// It holds less of what was freed than that of the system, measured over runs of an hour.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    engine_cli::main(std::env::args_os())
}
