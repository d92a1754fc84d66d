//! The binary `pipeline`: parse, run the job, map the result to an exit code.

mod cli;

use augpipe::batch::Part;
use augpipe::error::{Error, Result};
use augpipe::job;
use clap::Parser;
use cli::{AblateArgs, CompareArgs, Sort};
use cli::{Cli, Command, FindLrArgs, PreviewArgs, ProfileArgs, RunArgs, TuneArgs};
use cli::{
    ConvertArgs, DataArgs, DataCommand, DataVerifyArgs, HashArgs, Public, SplitArgs, StoredEncoding, StoredFormat, Synthetic,
};
use cli::{EvaluateArgs, EvaluatedPart, ExportArgs, ExportFormat, PredictArgs, RowFormat};
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
        Command::FindLr(args) => find_lr(args),
        Command::Check(args) => job::check::check(&args.pipeline.name, &args.pipeline.overrides(), args.json),
        Command::Predict(args) => predict(args),
        Command::Evaluate(args) => evaluate(args),
        Command::Export(args) => export(args),
        Command::Preview(args) => preview(args),
        Command::Profile(args) => profile(args),
        Command::Tune(args) => tune(args),
        Command::Report(args) => job::report::report(&job::report::Request { run: args.run, out: args.out }),
        Command::Compare(args) => compare(args),
        Command::Ablate(args) => ablate(args),
        Command::List(args) => job::list::list(args.json),
        Command::Describe(args) if args.picture => job::strip::picture(&args.name, args.out.as_deref(), args.json),
        Command::Describe(args) => job::describe::describe(&args.name, args.json),
        Command::Verify(args) => job::verify::verify(args.json),
        Command::Completions { shell } => job::say(&cli::completions(shell)),
        Command::Man { out } => man(out),
        Command::Schema { out } => job::schema::schema(out.as_deref()),
        Command::Data(command) => data(command),
    }
}

fn run(args: RunArgs) -> Result<()> {
    let asked = std::time::Instant::now();
    let voice = match (args.quiet, args.json) {
        (true, _) => job::run::Voice::Quiet,
        (_, true) => job::run::Voice::Json,
        _ if args.tui => job::run::Voice::Screen,
        _ => job::run::Voice::Person,
    };
    let request = job::run::Request {
        name: args.pipeline.name.clone(),
        sets: args.pipeline.overrides().into_iter().chain(args.budget.map(|time| format!("train.budget={time}"))).collect(),
        out: args.out,
        resume: args.resume,
        share: args.shard,
        self_check: !args.no_self_check,
        voice,
        events: args.events,
        metrics_file: args.metrics_file,
        page: args.report.map_or(job::run::PageAt::Usual, job::run::PageAt::File),
        asked,
    };
    job::run::run(&request)
}

fn predict(args: PredictArgs) -> Result<()> {
    let PredictArgs { model, with, paths, format, json, top, probabilities, out, force, max_bad, workers, quiet } = args;
    let format = format.or(json.then_some(RowFormat::Json)).map(|format| match format {
        RowFormat::Table => job::predict::Format::Table,
        RowFormat::Csv => job::predict::Format::Csv,
        RowFormat::Json => job::predict::Format::Json,
        RowFormat::Jsonl => job::predict::Format::JsonLines,
    });
    let top = top as usize;
    job::predict::predict(&job::predict::Request {
        model,
        with,
        paths,
        format,
        top,
        probabilities,
        out,
        force,
        max_bad,
        workers,
        quiet,
    })
}

fn evaluate(args: EvaluateArgs) -> Result<()> {
    let EvaluateArgs { model, with, source, sets, part, skip_unknown, top, workers, quiet, json } = args;
    let part = match part {
        EvaluatedPart::Test => Part::Test,
        EvaluatedPart::Validation => Part::Validation,
        EvaluatedPart::Train => Part::Train,
    };
    let top = top as usize;
    job::evaluate::evaluate(&job::evaluate::Request { model, with, source, sets, part, skip_unknown, top, workers, json, quiet })
}

fn export(args: ExportArgs) -> Result<()> {
    let ExportArgs { model, format, out, force, json } = args;
    let format = match format {
        ExportFormat::Onnx => job::export::Format::Onnx,
        ExportFormat::Safetensors => job::export::Format::Safetensors,
    };
    job::export::export(&job::export::Request { model, format, out, force, json })
}

fn preview(args: PreviewArgs) -> Result<()> {
    let PreviewArgs { name, sets, epoch, samples, count, out, replay, json } = args;
    job::preview::preview(&job::preview::Request { name, sets, epoch, samples, count: usize::from(count), out, replay, json })
}

fn profile(args: ProfileArgs) -> Result<()> {
    let ProfileArgs { pipeline, layers, stage, verify, seconds, json, html, trace } = args;
    let (name, sets) = (pipeline.name.clone(), pipeline.overrides());
    let time = std::time::Duration::from_secs_f64(seconds);
    job::profile::profile(&job::profile::Request { name, sets, layers, stage, time, verify, json, html, trace })
}

fn tune(args: TuneArgs) -> Result<()> {
    let TuneArgs { pipeline, seconds, verify, exhaustive, lock, unlock, json } = args;
    let (name, sets) = (pipeline.name.clone(), pipeline.overrides());
    let time = std::time::Duration::from_secs_f64(seconds);
    job::tune::tune(&job::tune::Request { name, sets, time, verify, exhaustive, lock, unlock, json })
}

fn compare(args: CompareArgs) -> Result<()> {
    let CompareArgs { runs, sort, json, html } = args;
    let sort = match sort {
        Sort::Given => job::compare::SortKey::Given,
        Sort::TestAccuracy => job::compare::SortKey::TestAccuracy,
        Sort::TestLoss => job::compare::SortKey::TestLoss,
        Sort::ValidationAccuracy => job::compare::SortKey::ValidationAccuracy,
        Sort::ValidationLoss => job::compare::SortKey::ValidationLoss,
        Sort::Time => job::compare::SortKey::Time,
        Sort::CoreSeconds => job::compare::SortKey::CoreSeconds,
    };
    job::compare::compare(&job::compare::Request { runs, sort, json, html })
}

fn ablate(args: AblateArgs) -> Result<()> {
    let AblateArgs { pipeline, switches, seeds, out, budget, quiet, json } = args;
    let (name, sets) = (pipeline.name.clone(), pipeline.overrides());
    job::ablate::ablate(&job::ablate::Request { name, sets, switches, seeds, out, budget, json, quiet })
}

fn find_lr(args: FindLrArgs) -> Result<()> {
    let FindLrArgs { from, to, steps, out, json, .. } = args;
    let request =
        job::find_lr::Request { name: args.pipeline.name.clone(), sets: args.pipeline.overrides(), from, to, steps, out, json };
    job::find_lr::find_lr(&request)
}

fn man(out: Option<std::path::PathBuf>) -> Result<()> {
    let pages = cli::man();
    let Some(folder) = out else { return job::say(pages.first().map_or("", |(_, page)| page)) };
    std::fs::create_dir_all(&folder).map_err(Error::io("cannot make", &folder))?;
    pages.iter().try_for_each(|(name, page)| augpipe::report::write_atomic(folder.join(name), page.as_bytes()))?;
    job::say(&format!("{}: {} pages; read one with man -l {}\n", folder.display(), pages.len(), folder.join(&pages[0].0).display()))
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
        DataCommand::Census(args) => {
            let (limit, DataArgs { given, sets, workers, json }) = (args.limit, args.data);
            job::data::census(&job::data::CensusRequest { given, sets, limit, workers, json })
        }
        DataCommand::Stats(args) => {
            let DataArgs { given, sets, workers, json } = args.data;
            job::data::stats(&job::data::StatsRequest { given, sets, workers, json })
        }
        DataCommand::Hash(HashArgs { path, out, workers, json }) => {
            job::data::hash(&job::data::HashRequest { path, out, workers, json })
        }
        DataCommand::Verify(DataVerifyArgs { path, manifest, workers, json }) => {
            job::data::verify(&job::data::VerifyRequest { path, manifest, workers, json })
        }
        DataCommand::Split(args) => split(args),
        DataCommand::Convert(args) => convert(args),
    }
}

fn split(args: SplitArgs) -> Result<()> {
    let SplitArgs { given, out, validation, test, seed, stratify, sets, json } = args;
    job::data::split(&job::data::SplitRequest { given, sets, out, validation, test, seed, stratify, json })
}

fn convert(args: ConvertArgs) -> Result<()> {
    let ConvertArgs { from, to, format, encoding, quality, shard_size, sets, workers, resume, quiet, json } = args;
    let format = match format {
        StoredFormat::ImageFolder => "image_folder",
        StoredFormat::Shards => "shards",
    };
    let encoding = match encoding {
        StoredEncoding::Png => "png",
        StoredEncoding::Jpeg => "jpeg",
        StoredEncoding::Raw => "raw",
    };
    let request = job::data::ConvertRequest { from, to, format, encoding, quality, shard_size, sets, workers, resume, quiet, json };
    job::data::convert(&request)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
