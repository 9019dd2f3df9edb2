"""Mutants of the Python package."""

from mutant import Mutant

GEOMETRY = "tests/transforms/test_geometry.py"
LOWERING = "tests/transforms/test_lowering.py"
REMEMBERED = "tests/transforms/test_remembered.py"
RANDOMNESS = "tests/transforms/test_randomness.py"
POINTS = "tests/transforms/test_points.py"
COLOUR = "tests/transforms/test_colour.py"
CHOICE = "tests/transforms/test_choice.py"
POLICIES = "tests/transforms/test_policies.py"
PERSPECTIVE = "tests/transforms/test_perspective.py"
ENGINE = "tests/transforms/test_engine.py"
LINEAR = "tests/differentiable/test_linear_pass.py"
ADAPTATION = "tests/transforms/test_adaptation.py"
WEATHER = "tests/transforms/test_weather.py"
DISTORTIONS = "tests/transforms/test_distortions.py"
ELASTIC = "tests/transforms/test_elastic.py"
DIFF_AUGMENT = "tests/differentiable/test_diff_augment.py"
RECORDED = "tests/differentiable/test_recorded_images.py"
CUT_BOXES = "tests/targets/test_boxes_cut_before_turns.py"
FLAT_BOXES = "tests/targets/test_boxes_without_area.py"

PYTHON = (
    Mutant(
        "a flip is off by one",
        "augsynth/transforms/flips.py",
        "flipped * extent",
        "flipped * (extent - 1)",
        (GEOMETRY, "flips_are_exact"),
    ),
    Mutant(
        "rotations turn about the middle pixel",
        "augsynth/transforms/affine.py",
        "return images.sizes[:, 1] / 2, images.sizes[:, 0] / 2",
        "return (images.sizes[:, 1] - 1) / 2, (images.sizes[:, 0] - 1) / 2",
        (GEOMETRY, "quarter_turns_of_squares"),
    ),
    Mutant(
        "angles turn clockwise",
        "augsynth/transforms/matrices.py",
        "cos, sin = _cos_sin(degrees)",
        "cos, sin = _cos_sin(-degrees)",
        (GEOMETRY, "counter_clockwise"),
    ),
    Mutant(
        "matrices are composed in the wrong order",
        "augsynth/plan/lowering/open_pass.py",
        "compose(self.inverse, step.inverse)",
        "compose(step.inverse, self.inverse)",
        (GEOMETRY, "product_of_the_steps"),
    ),
    Mutant(
        "a centre crop is off by one",
        "augsynth/transforms/frames.py",
        "np.round(room / 2)",
        "np.round(room / 2 + 0.6)",
        (GEOMETRY, "crop_is_a_slice"),
    ),
    Mutant(
        "the key is ignored",
        "augsynth/transforms/pipeline.py",
        "keys_from_torch(count) if keys is None else as_keys(keys)",
        "keys_from_torch(count)",
        (RANDOMNESS, "same_key"),
    ),
    Mutant(
        "padding shows what a crop had cut off",
        "augsynth/plan/lowering/conflicts.py",
        "if step.pads and not current.whole_frame:",
        "if False:",
        (LOWERING, "agree_where_nothing or cut_off"),
    ),
    Mutant(
        "different borders share a pass",
        "augsynth/plan/lowering/conflicts.py",
        '("interpolation", "antialias", "border")',
        '("interpolation", "antialias")',
        (LOWERING, "different_borders"),
    ),
    Mutant(
        "different interpolations share a pass",
        "augsynth/plan/lowering/conflicts.py",
        '("interpolation", "antialias", "border")',
        '("antialias", "border")',
        (LOWERING, "different_interpolations"),
    ),
    Mutant(
        "the border's ramp is as wide as a source pixel",
        "augsynth/plan/lowering/open_pass.py",
        "self.edge = _extents(self.inverse)",
        "self.edge = None",
        (LOWERING, "as_soft_after_enlarging"),
    ),
    Mutant(
        "what is remembered for one number of channels serves all",
        "augsynth/plan/lowering/lowering.py",
        "new_pass(dtype, _native.distinct(channels),",
        "new_pass(dtype, (),",
        (REMEMBERED, "number_of_channels"),
    ),
    Mutant(
        "a state is remembered with the sign of the first zero",
        "augsynth/plan/lowering/levels.py",
        "tuple(value + 0.0 for value in",
        "tuple(value for value in",
        (REMEMBERED, "negative_zero"),
    ),
    Mutant(
        "the antialiasing filter is not widened",
        "augsynth/plan/lowering/open_pass.py",
        'rows["support"] = np.maximum(extents, 1.0)',
        'rows["support"] = 1.0',
        (GEOMETRY, "resize_is_torchs"),
    ),
    Mutant(
        "a second lookup table comes before the first",
        "augsynth/plan/lowering/tables.py",
        "np.take_along_axis(tables, before.astype(np.int64), axis=1)",
        "np.take_along_axis(before, tables.astype(np.int64), axis=1)",
        (POINTS, ""),
    ),
    Mutant(
        "a second colour map forgets the mean that the first one moved",
        "augsynth/plan/lowering/tables.py",
        "matrix @ first_of_mean + of_mean @ (first + first_of_mean)",
        "matrix @ first_of_mean + of_mean @ first",
        (COLOUR, ""),
    ),
    Mutant(
        "samples that a chance leaves out are turned too",
        "augsynth/plan/lowering/steps.py",
        "inverse = np.where(active[:, None, None], step.inverse, np.eye(3))",
        "inverse = step.inverse",
        (CHOICE, ""),
    ),
    Mutant(
        "a policy turns the other way than it drew",
        "augsynth/transforms/policy_operations.py",
        "strength = share * sign if operation.signed else share",
        "strength = share",
        (POLICIES, "full_strength"),
    ),
    Mutant(
        "a perspective is the inverse of what it says",
        "augsynth/transforms/perspective.py",
        "projective(corners + inwards * (1 - 2 * _CORNERS) * size, corners)",
        "projective(corners, corners + inwards * (1 - 2 * _CORNERS) * size)",
        (PERSPECTIVE, ""),
    ),
    Mutant(
        "what an earlier pass cut off comes back",
        "augsynth/targets/boxes.py",
        "earlier.cuts(corners)",
        "np.zeros(len(corners), bool)",
        (CUT_BOXES, ""),
    ),
    Mutant(
        "a box without area gets one where it is turned",
        "augsynth/targets/boxes.py",
        "have_area(boxes, where.source_size) &",
        "",
        (FLAT_BOXES, ""),
    ),
    Mutant(
        "thresholds of a policy are off by their rounding",
        "augsynth/transforms/policy_operations.py",
        "np.round((1.0 - amount) * FULL_SCALE[images.dtype], 9)",
        "(1.0 - amount) * FULL_SCALE[images.dtype]",
        (POLICIES, "exact"),
    ),
    Mutant(
        "the reference is the native executor",
        "augsynth/engine/reference/executor.py",
        "run(step.rows, sources, outputs, tables=step.tables)",
        "super().run_pass(step, sources, outputs)",
        (ENGINE, "by_itself"),
    ),
    Mutant(
        "the gradient of the gradient has constants",
        "augsynth/engine/autograd/ops.py",
        "_backward_by(_forward, linear=True)",
        "_backward_by(_forward, linear=False)",
        (LINEAR, "their_gradients"),
    ),
    Mutant(
        "pipelines with gradients do not clamp",
        "augsynth/engine/autograd/executor.py",
        "values = values.clamp(low, high)",
        "pass",
        (RECORDED, "pictures_are_those or is_clamped"),
    ),
    Mutant(
        "contrast darkens",
        "augsynth/transforms/diff_augment.py",
        "(1 - contrast) * mean",
        "0 * contrast * mean",
        (DIFF_AUGMENT, "of_the_paper or scale_of_the_images"),
    ),
    Mutant(
        "elastic grids begin at one place",
        "augsynth/transforms/elastic.py",
        "origins = -(1.0 + draw.u) * spacing",
        "origins = -(1.0 + 0.0 * draw.u) * spacing",
        (ELASTIC, "begin_anywhere"),
    ),
    Mutant(
        "shadows leave the light that they should take",
        "augsynth/whole_image/shadow.py",
        "*= 1.0 - dark",
        "*= dark",
        (WEATHER, "opencvs_polygons"),
    ),
    Mutant(
        "shadows cross themselves",
        "augsynth/transforms/weather.py",
        "order[..., None]",
        "np.sort(order)[..., None]",
        (WEATHER, "lie_in_their_part"),
    ),
    Mutant(
        "fog has corners at its knots",
        "augsynth/whole_image/fog.py",
        "(3 - 2 * t) * t * t",
        "t",
        (WEATHER, "between_its_knots"),
    ),
    Mutant(
        "histograms are matched a level too low",
        "augsynth/whole_image/histogram_matching.py",
        "below = np.cumsum(counts) /",
        "below = (np.cumsum(counts) - counts) /",
        (ADAPTATION, "scikit_images"),
    ),
    Mutant(
        "low frequencies keep half of their rows",
        "augsynth/whole_image/fourier_adaptation.py",
        "np.arange(-most, most + 1)",
        "np.arange(0, most + 1)",
        (ADAPTATION, "of_the_paper"),
    ),
    Mutant(
        "the first reference is always taken",
        "augsynth/transforms/adaptation.py",
        "self._chosen(draw.choice(len(self.references), 1)",
        "self._chosen(0 * draw.choice(len(self.references), 1)",
        (ADAPTATION, "as_likely"),
    ),
    Mutant(
        "grids of distortions do not end at the frame",
        "augsynth/transforms/distortions.py",
        "knots[..., 1:2], knots, -knots",
        "0 * knots[..., 1:2], knots, -knots",
        (DISTORTIONS, "keep_the_edges"),
    ),
    Mutant(
        "lenses that fold are let through",
        "augsynth/transforms/distortions.py",
        "for t in (0.0, turning, 1.0)",
        "for t in (0.0, 1.0)",
        (DISTORTIONS, "that_fold_are_refused"),
    ),
    Mutant(
        "the fourth differences of controls are forgotten",
        "augsynth/plan/splines.py",
        " + fourth / 36",
        " + 0 * fourth",
        (DISTORTIONS, "lenses_are_opencvs"),
    ),
    Mutant(
        "offsets of a plate gather at the rim",
        "augsynth/transforms/distortions.py",
        "np.sqrt(draw.u[:, 2::2])",
        "np.sqrt(np.sqrt(draw.u[:, 2::2]))",
        (DISTORTIONS, "bend_as_scipys"),
    ),
)
