//! Words in any text: prose, `snake_case`, `CamelCase` and `kebab-case` alike.

/// The words of a line in lower case: each identifier whole (without its underscores), then its parts.
///
/// `DaemonSet` gives `daemonset`, `daemon` and `set`; `eBPF_map` gives `ebpfmap`, `e`, `bpf` and `map`.
pub(crate) fn words(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    for identifier in line.split(|c: char| !c.is_alphanumeric() && c != '_') {
        let whole = identifier.replace('_', "").to_lowercase();
        if whole.is_empty() {
            continue;
        }
        let parts: Vec<String> = identifier.split('_').flat_map(humps).collect();
        let several = parts.len() > 1;
        found.push(whole);
        if several {
            found.extend(parts);
        }
    }
    found
}

/// Cuts before a capital that follows a small letter or precedes one: `BPFMap` gives `bpf` and `map`.
fn humps(part: &str) -> Vec<String> {
    let letters: Vec<char> = part.chars().collect();
    let mut found: Vec<String> = Vec::new();
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|i| letters.get(i));
        let after = letters.get(at + 1);
        let cut = letter.is_uppercase()
            && before.is_some_and(|c| !c.is_uppercase() || after.is_some_and(|c| c.is_lowercase()));
        match found.last_mut() {
            Some(word) if !cut => word.extend(letter.to_lowercase()),
            _ => found.push(letter.to_lowercase().collect()),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn cuts_identifiers_into_words() {
        assert_eq!(
            words("fn load_bpf(x: DaemonSet)").join(" "),
            "fn loadbpf load bpf x daemonset daemon set"
        );
        assert_eq!(words("eBPF, BPFMap").join(" "), "ebpf e bpf bpfmap bpf map");
        assert_eq!(words("k8sClient tc-index").join(" "), "k8sclient k8s client tc index");
        assert!(words(" -- ").is_empty());
    }
}
