//! The program `engine`.

fn main() -> std::process::ExitCode {
    engine_cli::main(std::env::args_os())
}
