//! What networks are trained and scored with on CIFAR since He et al., *Deep residual learning*, 2016: four pixels of padding, a random
//! crop, a flip.

use super::{Build, size, written};
use crate::registry::Entry;

pub(super) const ENTRY: Entry<Build> = Entry {
    name: "cifar",
    about: "CIFAR training and scoring: crop out of a padded picture and flip; the picture as it is; mean and deviation of the data set",
    example: "preset = \"cifar\"\nclasses = \"10\"\npadding = 4",
    build: |fields| {
        let size = written(size(fields, 32));
        let padding = fields.key("padding", "zeros around the picture before the crop").integer(0, 4096).or(4);
        // Mean and standard deviation over all pixels of the 50,000 training pictures.
        let ten = ("[0.4914, 0.4822, 0.4465]", "[0.2470, 0.2435, 0.2616]");
        let hundred = ("[0.5071, 0.4865, 0.4409]", "[0.2673, 0.2564, 0.2762]");
        let about = "whose mean and deviation: CIFAR-10's or CIFAR-100's";
        let (mean, std) = fields.key("classes", about).choice(&[("10", ten), ("100", hundred)]).or_shown(ten, "10");
        format!(
            "[[augment]]\nop = \"crop\"\nsize = {size}\npadding = {padding}\n\n\
             [[augment]]\nop = \"horizontal_flip\"\np = 0.5\n\n\
             [[evaluate]]\nop = \"center_crop\"\nsize = {size}\n\n\
             [normalize]\nmean = {mean}\nstd = {std}\n"
        )
    },
};
