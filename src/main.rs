//! The binary `pipeline`: parse, run the job, map the result to an exit code.

mod cli;

use augpipe::error::Result;
use augpipe::job;
use clap::Parser;
use cli::{Cli, Command, DataCommand, PreviewArgs, Public, RunArgs, Synthetic};
use std::process::ExitCode;

fn main() -> ExitCode {
    augpipe::sample::keep_freed_memory();
    let cli = Cli::parse();
    job::quiet_panics();
    job::start_log();
    match job::contained(|| dispatch(cli.command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            job::show_error(&error);
            ExitCode::from(error.exit_code())
        }
    }
}

fn dispatch(command: Command) -> Result<()> {
    match command {
        Command::Run(args) => run(args),
        Command::Check(args) => job::check::check(&args.pipeline.name, &args.pipeline.overrides(), args.json),
        Command::Preview(args) => preview(args),
        Command::List(args) => job::list::list(args.json),
        Command::Describe(args) if args.picture => job::strip::picture(&args.name, args.out.as_deref(), args.json),
        Command::Describe(args) => job::describe::describe(&args.name, args.json),
        Command::Verify(args) => job::verify::verify(args.json),
        Command::Data(command) => data(command),
    }
}

fn run(args: RunArgs) -> Result<()> {
    let asked = std::time::Instant::now();
    let voice = match (args.quiet, args.json) {
        (true, _) => job::run::Voice::Quiet,
        (_, true) => job::run::Voice::Json,
        _ => job::run::Voice::Person,
    };
    let request = job::run::Request {
        name: args.pipeline.name.clone(),
        sets: args.pipeline.overrides(),
        out: args.out,
        resume: args.resume,
        self_check: !args.no_self_check,
        voice,
        asked,
    };
    job::run::run(&request)
}

fn preview(args: PreviewArgs) -> Result<()> {
    let PreviewArgs { name, sets, epoch, samples, count, out, replay, json } = args;
    job::preview::preview(&job::preview::Request { name, sets, epoch, samples, count: usize::from(count), out, replay, json })
}

fn data(command: DataCommand) -> Result<()> {
    match command {
        DataCommand::Synth { what: Synthetic::Brands, seed, out } => job::data::synth(seed, &out),
        DataCommand::Fetch { what, out, base_url } => {
            let what = match what {
                Public::Mnist => job::data::Public::Mnist,
                Public::Cifar10 => job::data::Public::Cifar10,
            };
            job::data::fetch(what, out, base_url)
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
