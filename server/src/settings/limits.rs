//! Reading of `[limits]`.

use outpost_decision::skip::SkipLimits;

use super::reader::Reader;
use super::types::Limits;

/// Most that a setting of some number a minute, or at a time, may be.
const MANY: u32 = 1_000_000;

/// Browsers keep some 150 cookies of one site. Beyond that they drop some by themselves, those of the
/// application as well.
const MOST_FLOWS: u32 = 128;

/// Reads them.
pub(super) fn limits(read: &mut Reader<'_>) -> Limits {
    let limits = Limits {
        header_bytes: read.number("limits.header_bytes", 4096..=131_072),
        cookie_bytes: read.number("limits.cookie_bytes", 1024..=131_072),
        header_lines: read.number("limits.header_lines", 64..=4096),
        connections: read.number("limits.connections", 1..=MANY),
        connections_per_address: read.number("limits.connections_per_address", 0..=MANY),
        sign_ins_per_minute: read.number("limits.sign_ins_per_minute", 0..=MANY),
        failed_codes_per_minute: read.number("limits.failed_codes_per_minute", 0..=MANY),
        counted_clients: read.number("limits.counted_clients", 1024..=16_777_216),
        flows_per_browser: read.number("limits.flows_per_browser", 1..=MOST_FLOWS),
        logout_form_bytes: read.number("limits.logout_form_bytes", 2048..=262_144),
        skip_paths: SkipLimits {
            lines: read.number("limits.skip_path_lines", 1..=10_000),
            line_bytes: read.number("limits.skip_path_line_bytes", 64..=65_536),
            size: read.number("limits.skip_path_size", 100..=100_000),
            total_size: read.number("limits.skip_path_total_size", 100..=1_000_000),
        },
        core_page_bytes: read.number("limits.core_page_bytes", 262_144..=1_073_741_824),
        core_answer_bytes: read.number("limits.core_answer_bytes", 16_384..=16_777_216),
        core_key_set_bytes: read.number("limits.core_key_set_bytes", 16_384..=16_777_216),
        core_message_bytes: read.number("limits.core_message_bytes", 16_384..=16_777_216),
    };
    let SkipLimits { size, total_size, .. } = limits.skip_paths;
    if read.is_clean() && size > total_size {
        let problem = format!(
            "is {size}, more than the {total_size} of limits.skip_path_total_size that all lines \
             may have together: lower it, or raise the other"
        );
        read.mistake("limits.skip_path_size", problem);
    }
    limits
}
