//! What is shipped beside the binary: completions of shells and manual pages, made from the commands themselves.

use super::{Cli, Shell};
use clap::{Arg, Command, CommandFactory};

/// The script that makes `shell` complete `pipeline`: commands, options, their values, and the pipelines of the folder `pipelines`.
pub fn completions(shell: Shell) -> String {
    let mut command = Cli::command();
    let mut script = Vec::new();
    let kind = match shell {
        Shell::Bash => clap_complete::Shell::Bash,
        Shell::Zsh => clap_complete::Shell::Zsh,
        Shell::Fish => clap_complete::Shell::Fish,
    };
    clap_complete::generate(kind, &mut command, "pipeline", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    match shell {
        Shell::Bash => script + &bash_names(&command),
        Shell::Zsh => zsh_names(&script),
        Shell::Fish => script + &fish_names(&command),
    }
}

/// Commands whose first word may be the name of a pipeline.
fn takes_a_pipeline(command: &Command) -> Vec<&str> {
    let takes = |command: &&Command| command.get_positionals().any(|word| word.get_id() == "name");
    command.get_subcommands().filter(takes).map(Command::get_name).collect()
}

/// The generated function knows words, not folders: this one adds the names and drops the placeholders that it offers.
fn bash_names(command: &Command) -> String {
    format!(
        r#"
_pipeline_and_names() {{
    _pipeline "$@"
    local file word kept=()
    for word in "${{COMPREPLY[@]}}"; do [[ ${{word}} == [\<\[]* ]] || kept+=("${{word}}"); done
    COMPREPLY=("${{kept[@]}}")
    [[ ${{COMP_CWORD}} -eq 2 && ${{COMP_WORDS[2]}} != -* ]] || return 0
    case "${{COMP_WORDS[1]}}" in
        {})
            for file in pipelines/*.toml; do
                file="${{file#pipelines/}}"
                file="${{file%.toml}}"
                [[ ${{file}} != '*' && ${{file}} != *.tuned && ${{file}} == "${{COMP_WORDS[2]}}"* ]] && COMPREPLY+=("${{file}}")
            done
            ;;
    esac
    return 0
}}
complete -F _pipeline_and_names -o bashdefault -o default pipeline
"#,
        takes_a_pipeline(command).join("|")
    )
}

/// The word that names a pipeline is completed by a function of its own.
fn zsh_names(script: &str) -> String {
    const NAMES: &str = "_pipeline_pipelines() {\n    local -a names\n    names=(pipelines/*.toml(N:t:r))\n    names=(${names:#*.tuned})\n    \
                         _alternative \"pipelines:pipeline:(${names})\" 'files:file:_files'\n}\n\n";
    let mut lines = String::new();
    for line in script.lines() {
        if line.starts_with("if [ \"$funcstack[1]\"") {
            lines += NAMES;
        }
        let named = line.starts_with("':name -- ").then(|| line.replace(":_default'", ":_pipeline_pipelines'"));
        lines += &(named.unwrap_or_else(|| line.to_owned()) + "\n");
    }
    lines
}

/// The generated lines know options only: these add the names, in quotes that let nothing be replaced while they are read, and the
/// words that are not options.
fn fish_names(command: &Command) -> String {
    let names = "(for file in pipelines/*.toml; basename $file .toml; end | string match -v \"*.tuned\")";
    let seen = takes_a_pipeline(command).join(" ");
    let mut lines = format!("complete -c pipeline -n '__fish_pipeline_using_subcommand {seen}' -a '{names}' -d Pipeline\n");
    for outer in command.get_subcommands() {
        lines += &fish_words(outer, "");
        for inner in outer.get_subcommands() {
            lines += &fish_words(inner, &format!("__fish_pipeline_using_subcommand {}; and ", outer.get_name()));
        }
    }
    lines
}

/// The values of a command's words, for a command below others or for one that stands first.
fn fish_words(command: &Command, below: &str) -> String {
    let seen = if below.is_empty() { "__fish_pipeline_using_subcommand" } else { "__fish_seen_subcommand_from" };
    let values = command.get_positionals().flat_map(Arg::get_possible_values);
    let values: Vec<String> = values.map(|value| value.get_name().to_owned()).collect();
    let condition = format!("{below}{seen} {}", command.get_name());
    if values.is_empty() { String::new() } else { format!("complete -c pipeline -n '{condition}' -f -a '{}'\n", values.join(" ")) }
}

/// Manual pages, each with its file's name: that of `pipeline`, then one for every command.
pub fn man() -> Vec<(String, String)> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    add_pages(&command, "pipeline", &mut pages);
    pages
}

fn add_pages(command: &Command, name: &str, pages: &mut Vec<(String, String)>) {
    // A page is called by all its words; so must be what it says of itself.
    let page = clap_mangen::Man::new(command.clone().display_name(name.to_owned()).disable_help_subcommand(true));
    let mut text = Vec::new();
    // Writing to memory never fails.
    let _ = page.render(&mut text);
    pages.push((format!("{name}.1"), String::from_utf8_lossy(&text).into_owned()));
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        add_pages(inner, &format!("{name}-{}", inner.get_name()), pages);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_page_and_is_completed() {
        let pages = man();
        let names: Vec<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
        for name in ["pipeline.1", "pipeline-run.1", "pipeline-data-synth.1", "pipeline-schema.1"] {
            assert!(names.contains(&name), "{names:?}");
        }
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let script = completions(shell);
            for word in ["find-lr", "resume", "pipelines/", "completions"] {
                assert!(script.contains(word), "{shell:?} lacks {word}");
            }
        }
        assert_eq!(takes_a_pipeline(&Cli::command()).first(), Some(&"run"));
        assert_eq!(completions(Shell::Zsh).matches(":_pipeline_pipelines'").count(), takes_a_pipeline(&Cli::command()).len());
    }
}
