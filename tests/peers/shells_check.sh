#!/bin/sh
# Completions in the shells themselves: what bash, zsh and fish offer for beginnings of commands, options, values and names.
#
#     apt-get install bash zsh fish
#     cargo build && tests/peers/shells_check.sh target/debug/pipeline
#
# Each shell is started without the user's own files, loads the script that `pipeline completions SHELL` prints, as README.md says,
# and completes in a folder with three pipelines, one of them tuned. Fails where it offers anything else than what is expected below.
set -eu

program=$(realpath "${1:?give the path of the program}")
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT INT TERM
mkdir -p "$place/pipelines" "$place/functions" "$place/bin" "$place/home/.config/fish/completions"
for name in mnist-mlp mnist-lenet mnist-mlp.tuned cars; do : > "$place/pipelines/$name.toml"; done
ln -s "$program" "$place/bin/pipeline"
"$program" completions bash > "$place/pipeline.bash"
"$program" completions zsh > "$place/functions/_pipeline"
"$program" completions fish > "$place/home/.config/fish/completions/pipeline.fish"
cd "$place"
export PATH="$place/bin:$PATH" HOME="$place/home" XDG_CONFIG_HOME="$place/home/.config" TERM=dumb

cat > bash.sh <<'INNER'
source pipeline.bash
read -r -a COMP_WORDS <<< "$1"
[[ $1 == *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_LINE=$1 COMP_POINT=${#1} COMPREPLY=()
function=$(complete -p pipeline | sed 's/.*-F \([^ ]*\).*/\1/')
"$function" pipeline "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}"
INNER

# zsh completes at a prompt only, so it gets one on a pseudo terminal: a key completes, and all that is added is printed.
cat > zsh.zsh <<'INNER'
zmodload zsh/zpty
zpty inner zsh -f -i
zpty -w inner "PS1= PS2= ; stty -echo; unsetopt zle_bracketed_paste; fpath=($PWD/functions \$fpath); source $PWD/inner.zsh; print READY"
zpty -r inner heard '*READY*' || exit 1
zpty -w -n inner "$1"$'\t'
zpty -r inner heard '*DONE*' || exit 1
heard=${heard//$'\r'/}
print -r -- "${heard}" | sed -n 's/.*HIT \(.*\)$/\1/p'
zpty -d inner
INNER
cat > inner.zsh <<'INNER'
autoload -Uz compinit
compinit -u -D
bindkey '^I' complete-word
LISTMAX=0
compadd() {
    # Whoever asks for an array does not offer yet.
    if [[ " ${argv[1,(i)--]} " == *' '-[OAD]' '* ]]; then builtin compadd "$@"; return; fi
    local -a hits
    builtin compadd -A hits "$@"
    local hit
    for hit in $hits; do print -r -- $'\n'"HIT $hit"; done
    builtin compadd "$@"
}
done_with_it() { print -r -- $'\n'"DONE"; }
comppostfuncs=(done_with_it)
INNER

failed=0
offered() {
    case "$1" in
        bash) bash --norc bash.sh "$2" ;;
        zsh) zsh -f zsh.zsh "$2" ;;
        fish) fish --private --command "complete --do-complete '$2'" | cut -f 1 ;;
    esac | sed 's/[[:space:]]*$//' | grep -v '^$' | sort -u | tr '\n' ' ' | sed 's/ $//'
}
# expect LINE WORD…: every shell offers just these words.
expect() {
    line=$1
    shift
    wanted=$(printf '%s\n' "$@" | sort -u | tr '\n' ' ' | sed 's/ $//')
    for shell in bash zsh fish; do
        found=$(offered "$shell" "$line")
        if [ "$found" = "$wanted" ]; then
            echo "ok    $shell: $line"
        else
            echo "FAIL  $shell: $line"
            echo "      wanted: $wanted"
            echo "      found:  $found"
            failed=1
        fi
    done
}

expect 'pipeline prof' profile
expect 'pipeline data c' census convert
expect 'pipeline run mn' mnist-lenet mnist-mlp
expect 'pipeline profile ca' cars
expect 'pipeline ablate mn' mnist-lenet mnist-mlp
expect 'pipeline run cars --resu' --resume
expect 'pipeline run cars --no-' --no-self-check
expect 'pipeline compare --sor' --sort
expect 'pipeline compare --sort c' core-seconds
expect 'pipeline export m --format ' onnx safetensors
expect 'pipeline completions z' zsh
expect 'pipeline data fetch c' cifar10
exit $failed
