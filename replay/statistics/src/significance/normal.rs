//! The quantile of the normal distribution.

const CENTRE: [[f64; 8]; 2] = [
    [
        3.3871328727963665,
        133.14166789178438,
        1971.5909503065513,
        13731.69376550946,
        45921.95393154987,
        67265.7709270087,
        33430.57558358813,
        2509.0809287301227,
    ],
    [
        1.0,
        42.31333070160091,
        687.1870074920579,
        5394.196021424751,
        21213.794301586597,
        39307.89580009271,
        28729.085735721943,
        5226.495278852854,
    ],
];
const SHOULDER: [[f64; 8]; 2] = [
    [
        1.4234371107496835,
        4.630337846156546,
        5.769497221460691,
        3.6478483247632045,
        1.2704582524523684,
        0.2417807251774506,
        0.022723844989269184,
        0.0007745450142783414,
    ],
    [
        1.0,
        2.053191626637759,
        1.6763848301838038,
        0.6897673349851,
        0.14810397642748008,
        0.015198666563616457,
        0.0005475938084995345,
        1.0507500716444169e-9,
    ],
];
const TAIL: [[f64; 8]; 2] = [
    [
        6.657904643501103,
        5.463784911164114,
        1.7848265399172913,
        0.29656057182850487,
        0.026532189526576124,
        0.0012426609473880784,
        2.7115555687434876e-5,
        2.0103343992922881e-7,
    ],
    [
        1.0,
        0.599832206555888,
        0.1369298809227358,
        0.014875361290850615,
        0.0007868691311456133,
        1.8463183175100548e-5,
        1.421511758316446e-7,
        2.0442631033899397e-15,
    ],
];

fn ratio(coefficients: &[[f64; 8]; 2], at: f64) -> f64 {
    let [above, below] = coefficients.map(|row| row.iter().rev().fold(0.0, |sum, next| sum * at + next));
    above / below
}

/// The `z` below which a standard normal number lies with `probability`; `None` outside (0, 1).
///
/// Wichura, *Algorithm AS 241: The Percentage Points of the Normal Distribution*, Applied Statistics 37 (1988),
/// routine PPND16: about 16 digits. Logarithm and root come from `libm`, so that every platform gives the
/// same bits.
#[must_use]
pub fn normal_quantile(probability: f64) -> Option<f64> {
    if !(probability > 0.0 && probability < 1.0) {
        return None;
    }
    let beside = probability - 0.5;
    if beside.abs() <= 0.425 {
        return Some(beside * ratio(&CENTRE, 0.180_625 - beside * beside));
    }
    let rare = if beside < 0.0 { probability } else { 1.0 - probability };
    let depth = (-libm::log(rare)).sqrt();
    let beyond = if depth <= 5.0 { ratio(&SHOULDER, depth - 1.6) } else { ratio(&TAIL, depth - 5.0) };
    Some(beyond.copysign(beside))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::normal_cdf;

    #[test]
    fn quantiles_agree_with_scipy() {
        // scipy.stats.norm.ppf of scipy 1.17.
        for (probability, expected) in [
            (0.99, 2.3263478740408408),
            (0.9963212055882856, 2.6802104449668875),
            (0.001, -3.090232306167813),
            (1e-12, -7.034483825301131),
        ] {
            let ours = normal_quantile(probability).unwrap();
            assert!((ours / expected - 1.0).abs() < 4e-15, "{probability}: {ours} is not {expected}");
        }
        assert_eq!(normal_quantile(0.5), Some(0.0));
        for outside in [0.0, 1.0, -0.1, 1.1, f64::NAN] {
            assert_eq!(normal_quantile(outside), None);
        }
    }

    proptest! {
        #[test]
        fn the_quantile_undoes_the_distribution(z in -7.0_f64..7.0) {
            let probability = normal_cdf(z);
            let back = normal_quantile(probability).unwrap();
            // Near one a probability has few digits left, and the density says how few.
            let density = libm::exp(-z * z / 2.0) / core::f64::consts::TAU.sqrt();
            prop_assert!((back - z).abs() < 1e-13 + 1e-15 / density, "{z} came back as {back}");
        }
    }
}
