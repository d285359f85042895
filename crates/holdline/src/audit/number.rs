//! Order numbers, taken apart as the documentation says: `yyMMddHHmmssSSS`, business code (4), sequence (6), slot (2).

/// Sequences lie below this.
const SEQUENCE_END: u32 = 1 << 18;
const SLOTS: u64 = 100;

/// What is wrong with a number, if anything.
pub(super) fn fault(order_no: &str, tenant: i64, buyer: &str) -> Option<String> {
    if order_no.len() != 27 || !order_no.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some("it is not 27 digits".to_owned());
    }
    let digits = |from: usize, to: usize| order_no[from..to].parse::<u32>().unwrap_or(u32::MAX);
    let in_date = (1..=12).contains(&digits(2, 4)) && (1..=31).contains(&digits(4, 6));
    if !in_date || digits(6, 8) > 23 || digits(8, 10) > 59 || digits(10, 12) > 59 {
        return Some("its first 15 digits are not an instant".to_owned());
    }
    if digits(19, 25) >= SEQUENCE_END {
        return Some(format!("its sequence is {}, beyond {SEQUENCE_END}", digits(19, 25)));
    }
    let (has, should) = (u64::from(digits(25, 27)), slot(tenant, buyer));
    (has != should).then(|| format!("its slot is {has:02}, but its buyer belongs to slot {should:02}"))
}

/// FNV-1a 64 over the tenant's number (8 bytes, big endian) and the buyer's bytes, modulo 100.
fn slot(tenant: i64, buyer: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in tenant.to_be_bytes().into_iter().chain(buyer.bytes()) {
        hash ^= u64::from(byte);
        hash = hash.wrapping_mul(0x0100_0000_01b3);
    }
    hash % SLOTS
}
