# SPDX-License-Identifier: BSD-2-Clause
"""Manual pages and completions from what the program says of itself, so that they can't drift from it:

    make.py hither.1 HITHER         of `hither help --json`
    make.py hither.yaml.5 README    of the configuration in README.md, which names every key
    make.py bash|zsh|fish HITHER    completions

On standard output.
"""
import json
import re
import subprocess
import sys


def asked(hither):
    return json.loads(subprocess.run([hither, "help", "--json"], capture_output=True, check=True, text=True).stdout)


def roff(text):
    """Text that troff takes for text."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.M)


def words(text):
    """The same with `code` and key: value in bold."""
    return re.sub(r"`([^`]*)`", r"\\fB\1\\fR", roff(text))


# --- hither(1)


def option_lines(option):
    names = ", ".join(f"\\fB{roff(name)}\\fR" for name in
                      ([f"-{option['letter']}"] if option["letter"] else []) + [f"--{option['name']}"])
    argument = f" \\fI{option['argument']}\\fR" if option["argument"] else ""
    return [".TP", names + argument, words(option["does"])]


def page_of_command(said):
    out = ['.\\" Made by deploy/man/make.py of `hither help --json`.', f'.TH HITHER 1 "" "hither {said["version"]}" "User Commands"',
           ".SH NAME", "hither \\- ask and steer hitherd, an anycast DNS server", ".SH SYNOPSIS", ".B hither",
           ".RB [ \\-c", ".IR FILE ]", ".I COMMAND", ".RI [ ARGUMENTS ]", ".SH DESCRIPTION", ".B hither",
           "asks a running \\fBhitherd\\fR(8) through its control socket, and answers when a thing is done, not when it is",
           "queued. Some commands need no daemon.", ".SH COMMANDS"]
    for command in said["commands"]:
        own = [option for option in said["options"] if option["command"] == command["name"]]
        arguments = f" \\fI{command['arguments']}\\fR" if command["arguments"] else ""
        out += [".TP", f"\\fB{command['name']}\\fR{arguments}", words(command["does"][0].upper() + command["does"][1:]) + ".",
                words(command["more"].strip())]
        if own:
            out += [".RS"] + [line for option in own for line in option_lines(option)] + [".RE"]
    out += [".TP", "\\fBhelp\\fR [\\fICOMMAND\\fR]", "Shows all commands, or more about one.", ".SH OPTIONS"]
    out += [line for option in said["options"] if option["command"] is None for line in option_lines(option)]
    out += [".SH EXIT STATUS", "0 done, 1 refused or wrong, 2 wrong command line, 3 no daemon to ask.", ".SH ENVIRONMENT", ".TP",
            ".B NO_COLOR", "When set, there are no colours, which otherwise a terminal gets.", ".SH SEE ALSO",
            ".BR hitherd (8),", ".BR hither.yaml (5)"]
    return out


# --- hither.yaml(5)


def keys_of(readme):
    """[(path, value as in the example, comment)] of the YAML blocks: a comment on a line of its own goes on."""
    keys, stack, base = [], [], 0
    for block in re.findall(r"^```yaml\n(.*?)^```", readme, flags=re.M | re.S):
        first = len(block) - len(block.lstrip(" "))
        base = first
        stack = [(-1, "announce")] if first else []
        for line in block.splitlines():
            text, _, comment = line.partition(" #") if not line.lstrip().startswith("#") else ("", "", line.strip()[1:])
            if not text.strip():
                if keys and comment.strip():
                    keys[-1] = (*keys[-1][:2], f"{keys[-1][2]} {comment.strip()}".strip())
                continue
            match = re.match(r"( *)(- )?([a-z0-9-]+):(?: +(.*))?$", text.rstrip())
            if not match:
                continue
            depth = len(match[1]) + (2 if match[2] else 0) - base
            while stack and stack[-1][0] >= depth:
                stack.pop()
            parents = [name for _, name in stack]
            stack.append((depth, match[3]))
            keys.append((".".join(parents + [match[3]]), (match[4] or "").strip(), comment.strip()))
    return keys


def page_of_configuration(readme):
    out = ['.\\" Made by deploy/man/make.py of README.md.', '.TH HITHER.YAML 5 "" "hither" "File Formats"', ".SH NAME",
           "hither.yaml \\- configuration of hitherd", ".SH DESCRIPTION", ".I /etc/hither/hither.yaml",
           "is the same file at every point of presence: nothing in it names one. It is YAML. Paths are absolute or relative",
           "to the file. What is wrong with it is refused with file, line and what would be right; \\fBhither check\\fR says so",
           "beforehand. Only \\fBserver.listen\\fR has no default; with \\fBbackend: bgp\\fR also the prefixes, the local AS",
           "and a neighbour.", ".PP", "Each key stands here with an example of its value."]
    seen, section = set(), None
    for path, value, comment in keys_of(readme):
        if path in seen:
            continue
        seen.add(path)
        if path.split(".")[0] != section:
            section = path.split(".")[0]
            out.append(f".SH {section.upper()}")
            if "." not in path:
                if comment:
                    out.append(words(comment[0].upper() + comment[1:] + ("" if comment.endswith(".") else ".")))
                continue
        example = f": \\fI{roff(value)}\\fR" if value else ""
        out += [".TP", f"\\fB{roff(path)}\\fR{example}"]
        out.append(words(comment[0].upper() + comment[1:]) + ("" if comment.endswith(".") else ".") if comment else "\\&")
    return out + [".SH SEE ALSO", ".BR hither (1),", ".BR hitherd (8)"]


# --- completions


FILES = {"check", "replay"}  # commands with a file for an argument


def names_of(said):
    return [command["name"] for command in said["commands"]] + ["help"]


def flags_of(said, command):
    return [f"--{option['name']}" for option in said["options"] if option["command"] in [None, command]]


def bash(said):
    cases = "\n".join(f"        {name}) flags='{' '.join(flags_of(said, name))}' ;;" for name in names_of(said))
    return f"""# Completion of hither for bash; made by deploy/man/make.py.
_hither() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} command= flags i
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${{COMP_WORDS[i]}} in
        -c | --config | --socket | -o | --output | --reason | --for) ((i++)) ;;
        -*) ;;
        *) command=${{COMP_WORDS[i]}}; break ;;
        esac
    done
    case $before in
    -c | --config | --socket | -o | --output) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
    --reason | --for) COMPREPLY=(); return ;;
    esac
    case $command in
{cases}
        *) flags='{' '.join(flags_of(said, None))}' ;;
    esac
    if [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$flags" -- "$word")
    elif [[ -z $command || $command == help ]]; then
        mapfile -t COMPREPLY < <(compgen -W '{' '.join(names_of(said))}' -- "$word")
    elif [[ $command == {' || $command == '.join(sorted(FILES | {'compile'}))} ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    fi
}}
complete -o filenames -F _hither hither""".splitlines()


def quoted(text):
    return text.replace("'", "'\\''")


def zsh(said):
    """_arguments wants no brackets and colons in descriptions."""
    def plain(text):
        return quoted(re.sub(r"[\[\]:]", " ", text))

    out = ["#compdef hither", "# Completion of hither for zsh; made by deploy/man/make.py.", "_hither() {", "  local -a commands",
           "  commands=("]
    out += [f"    '{command['name']}:{quoted(command['does'])}'" for command in said["commands"]]
    out += ["    'help:all commands, or more about one'", "  )", "  local -a options", "  options=("]
    for option in said["options"]:
        argument = f":{option['argument']}:_files" if option["argument"] in ["FILE", "PATH", "OUT"] else \
            f":{option['argument']}: " if option["argument"] else ""
        if option["command"] is None:
            out.append(f"    '--{option['name']}[{plain(option['does'])}]{argument}'")
    out += ["  )", "  local word command=", "  for word in ${words[2,CURRENT-1]}; do",
            "    if (( ${+commands[(r)$word:*]} )); then command=$word; break; fi", "  done", "  case $command in"]
    for command in said["commands"]:
        own = [option for option in said["options"] if option["command"] == command["name"]]
        if own:
            out.append(f"  {command['name']})")
            out += [f"    options+=('--{option['name']}[{plain(option['does'])}]{':' + option['argument'] + ':' if option['argument'] else ''}')"
                    for option in own]
            out.append("    ;;")
    out += ["  esac", "  if [[ -z $command || $command == help ]]; then",
            "    _arguments $options '1:command:{_describe command commands}' '*::argument:_files'", "  else",
            "    _arguments $options '*:argument:_files'", "  fi", "}", "_hither \"$@\""]
    return out


def fish(said):
    none = "not __fish_seen_subcommand_from " + " ".join(names_of(said))
    out = ["# Completion of hither for fish; made by deploy/man/make.py.", "complete -c hither -f"]
    for command in said["commands"]:
        out.append(f"complete -c hither -n '{none}' -a {command['name']} -d '{quoted(command['does'])}'")
    out.append(f"complete -c hither -n '{none}' -a help -d 'all commands, or more about one'")
    out.append(f"complete -c hither -n '__fish_seen_subcommand_from help' -a '{' '.join(names_of(said)[:-1])}'")
    for name in sorted(FILES | {"compile"}):
        out.append(f"complete -c hither -n '__fish_seen_subcommand_from {name}' -F")
    for option in said["options"]:
        letter = f" -s {option['letter']}" if option["letter"] else ""
        argument = " -r" + (" -F" if option["argument"] in ["FILE", "PATH", "OUT"] else "") if option["argument"] else ""
        where = f" -n '__fish_seen_subcommand_from {option['command']}'" if option["command"] else ""
        out.append(f"complete -c hither{where}{letter} -l {option['name']}{argument} -d '{quoted(option['does'])}'")
    return out


def main():
    what, source = sys.argv[1:]
    if what == "hither.yaml.5":
        lines = page_of_configuration(open(source, encoding="utf-8").read())
    else:
        lines = {"hither.1": page_of_command, "bash": bash, "zsh": zsh, "fish": fish}[what](asked(source))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
