//! Kernels that make small patches of an image uncorrelated, from the products of their pixels. Knows planes of floats.

use super::scratch;

/// Adds the products of all pairs of pixels of every `kernel` × `kernel` patch of an image `[channels, height, width]` to `sums`: a
/// symmetric matrix of side channels · kernel². Pixels of a patch are ordered channel, row, column.
///
/// # Panics
/// Where a slice is too short for its shape.
pub fn add_products(image: &[f32], [channels, height, width]: [usize; 3], kernel: usize, sums: &mut [f64]) {
    let side = channels * kernel * kernel;
    let offset = |i: usize| (i / (kernel * kernel) * height + i / kernel % kernel) * width + i % kernel;
    let columns = (width + 1).saturating_sub(kernel);
    scratch::with(side * columns, |patches| {
        for row in 0..(height + 1).saturating_sub(kernel) {
            for (i, pixels) in patches.chunks_exact_mut(columns).enumerate() {
                pixels.copy_from_slice(&image[offset(i) + row * width..][..columns]);
            }
            for i in 0..side {
                for j in i..side {
                    let pairs = patches[i * columns..][..columns].iter().zip(&patches[j * columns..][..columns]);
                    let sum: f64 = pairs.map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
                    sums[i * side + j] += sum;
                    sums[j * side + i] = sums[i * side + j];
                }
            }
        }
    });
}

/// Writes, for the mean products of a patch's pixels, the kernels v / √(λ + eps) of all eigenvectors v, greatest eigenvalue λ first,
/// and then their negatives. Their sign is so that the largest of each vector's numbers is positive.
pub fn kernels(products: &[f64], side: usize, eps: f64, weights: &mut [f32]) {
    let (values, vectors) = eigen(products, side);
    let mut order: Vec<usize> = (0..side).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    let (first, second) = weights.split_at_mut(side * side);
    for (row, &index) in order.iter().enumerate() {
        let vector = || (0..side).map(|i| vectors[i * side + index]);
        let largest = vector().fold(0.0f64, |most, value| if value.abs() > most.abs() { value } else { most });
        let factor = largest.signum() / (values[index].max(0.0) + eps).sqrt();
        for ((weight, negative), value) in first[row * side..].iter_mut().zip(&mut second[row * side..]).zip(vector()) {
            (*weight, *negative) = ((value * factor) as f32, (-value * factor) as f32);
        }
    }
}

/// Eigenvalues, and eigenvectors as columns, of a symmetric matrix, by Jacobi's cyclic rotations.
fn eigen(matrix: &[f64], side: usize) -> (Vec<f64>, Vec<f64>) {
    let (mut a, mut vectors) = (matrix.to_vec(), vec![0.0; side * side]);
    (0..side).for_each(|i| vectors[i * side + i] = 1.0);
    let size: f64 = a.iter().map(|value| value * value).sum();
    // Each sweep squares the error once it is small: far fewer are ever needed.
    for _ in 0..64 {
        let apart: f64 = (0..side * side).filter(|i| i / side != i % side).map(|i| a[i] * a[i]).sum();
        // Not a number ends it, too.
        if apart.partial_cmp(&(1e-30 * size)) != Some(std::cmp::Ordering::Greater) {
            break;
        }
        for p in 0..side {
            for q in p + 1..side {
                rotate(&mut a, &mut vectors, side, p, q);
            }
        }
    }
    ((0..side).map(|i| a[i * side + i]).collect(), vectors)
}

/// Turns rows and columns p and q so that their product becomes 0.
fn rotate(a: &mut [f64], vectors: &mut [f64], side: usize, p: usize, q: usize) {
    let apart = a[p * side + q];
    if apart == 0.0 {
        return;
    }
    let slope = (a[q * side + q] - a[p * side + p]) / (2.0 * apart);
    let tangent = if slope < 0.0 { -1.0 } else { 1.0 } / (slope.abs() + (slope * slope + 1.0).sqrt());
    let cosine = 1.0 / (tangent * tangent + 1.0).sqrt();
    let sine = tangent * cosine;
    let turn = |values: &mut [f64], at_p: usize, at_q: usize| {
        let (x, y) = (values[at_p], values[at_q]);
        (values[at_p], values[at_q]) = (cosine * x - sine * y, sine * x + cosine * y);
    };
    (0..side).for_each(|i| turn(a, i * side + p, i * side + q));
    (0..side).for_each(|i| turn(a, p * side + i, q * side + i));
    (0..side).for_each(|i| turn(vectors, i * side + p, i * side + q));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(salt: usize) -> Vec<f32> {
        // Neighbours are alike, as in pictures.
        (0..2 * 9 * 8).map(|i| ((i / 2 * 37 + salt * 11) % 97) as f32 / 50.0 - 1.0 + (i % 8) as f32 * 0.1).collect()
    }

    #[test]
    fn whitened_patches_are_uncorrelated_and_of_variance_1() {
        let (kernel, side) = (2, 8);
        let mut products = vec![0.0; side * side];
        let images: Vec<_> = (0..20).map(image).collect();
        images.iter().for_each(|image| add_products(image, [2, 9, 8], kernel, &mut products));
        let patches = (20 * 8 * 7) as f64;
        let mean: Vec<f64> = products.iter().map(|sum| sum / patches).collect();
        let mut weights = vec![0.0; 2 * side * side];
        kernels(&mean, side, 0.0, &mut weights);
        for i in 0..side {
            for j in 0..side {
                let product: f64 = (0..side * side)
                    .map(|at| f64::from(weights[i * side + at / side]) * mean[at] * f64::from(weights[j * side + at % side]))
                    .sum();
                assert!((product - f64::from(u8::from(i == j))).abs() < 1e-4, "{i} {j}: {product}");
            }
        }
        let (first, second) = weights.split_at(side * side);
        assert!(first.iter().zip(second).all(|(a, b)| *a == -b));
        let size = |row: &[f32]| row.iter().map(|value| value * value).sum::<f32>();
        let sizes: Vec<f32> = first.chunks(side).map(size).collect();
        assert!(sizes.is_sorted(), "the greatest eigenvalue comes first: {sizes:?}");
    }

    #[test]
    fn products_are_those_of_all_patches() {
        let image: Vec<f32> = (1..=6).map(|value| value as f32).collect();
        let mut sums = vec![0.0; 16];
        add_products(&image, [1, 2, 3], 2, &mut sums);
        // The patches are 1 2 4 5 and 2 3 5 6.
        assert_eq!(sums[..4], [5.0, 8.0, 14.0, 17.0]);
        assert_eq!((sums[5], sums[15], sums[12]), (13.0, 61.0, 17.0));
        add_products(&image[..1], [1, 1, 1], 2, &mut sums);
        assert_eq!(sums[0], 5.0, "no patch fits");
    }

    #[test]
    fn eigenvalues_of_a_known_matrix() {
        let (mut values, _) = eigen(&[2.0, 1.0, 0.0, 1.0, 2.0, 0.0, 0.0, 0.0, 5.0], 3);
        values.sort_by(f64::total_cmp);
        assert!(values.iter().zip([1.0, 3.0, 5.0]).all(|(found, expected)| (found - expected).abs() < 1e-14), "{values:?}");
    }
}
