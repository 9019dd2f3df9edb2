#include "pass/antialias.h"
#include "pass/tile.h"
#include "validation/requirement.h"
#include "validation/validate.h"

namespace augsynth {
namespace {

constexpr int kLargestSize = 16777216;
constexpr double kMostWeights = 268435456.0;  // 2^28: seconds of work

class RowCheck {
 public:
  RowCheck(const PlanRow& row, std::size_t index) : row_(row), require_(index) {}

  void all() const {
    sizes();
    choices();
    matrix();
    filters();
    colours();
    noise();
  }

 private:
  void sizes() const {
    const auto size = [this](const char* field, std::int32_t came) {
      require_(came >= 1 && came <= kLargestSize, field, came, "1 to 2^24");
    };
    size("source_size[0]", row_.source_size[0]);
    size("source_size[1]", row_.source_size[1]);
    size("output_size[0]", row_.output_size[0]);
    size("output_size[1]", row_.output_size[1]);
    require_(row_.channels >= 1 && row_.channels <= kMaxChannels, "channels", row_.channels, "1 to 16");
  }

  void choices() const {
    const auto choice = [this](const char* field, int came, int last, const char* expected) {
      require_(came <= last, field, came, expected);
    };
    choice("source_dtype", row_.source_dtype, 2, "0 (uint8), 1 (uint16) or 2 (float32)");
    choice("output_dtype", row_.output_dtype, 4, "0 (uint8) to 4 (bfloat16)");
    choice("interpolation", row_.interpolation, 2, "0 (nearest), 1 (bilinear) or 2 (bicubic)");
    choice("antialias", row_.antialias, 1, "0 or 1");
    choice("border", row_.border, 4, "0 (constant), 1 (replicate), 2 (reflect), 3 (reflect101) or 4 (wrap)");
    choice("noise", row_.noise, 6, "0 (none) to 6 (speckle)");
  }

  void matrix() const {
    for (int i = 0; i < 9; ++i) require_.finite("inverse", row_.inverse[i], i);
    const double width = row_.output_size[1], height = row_.output_size[0];
    corner(0.0, 0.0);
    corner(width, 0.0);
    corner(0.0, height);
    corner(width, height);
  }

  void corner(double x, double y) const {
    require_.maps("inverse", row_.inverse, "the output corner", x, y, "the source");
  }

  void filters() const {
    const double pixels = static_cast<double>(row_.output_size[0]) * row_.output_size[1];
    for (int i = 0; i < 2; ++i) {
      const double edge = row_.edge[i], support = row_.support[i];
      require_(edge > 0.0 && edge <= kFarthestPosition, "edge", edge, "above 0 and at most 2^24", i);
      require_(support >= 1.0 && support <= kFarthestPosition, "support", support, "1 to 2^24", i);
      require_(!is_smoothed(row_) || support * pixels <= kMostWeights, "support", support,
               "at most 2^28 over the output's pixels", i);
    }
  }

  void colours() const {
    for (int c = 0; c < row_.channels; ++c) {
      require_.finite("fill", row_.fill[c], c);
      require_.finite("gain", row_.gain[c], c);
      require_.finite("bias", row_.bias[c], c);
    }
    require_(!std::isnan(row_.clamp[0]), "clamp[0]", row_.clamp[0], "a number");
    require_(row_.clamp[1] >= row_.clamp[0], "clamp[1]", row_.clamp[1], "a number not below clamp[0]");
  }

  void noise() const {
    const double* p = row_.noise_parameters;
    const auto parameter = [this, p](int i, bool holds, const char* expected) {
      require_(holds, "noise_parameters", p[i], expected, i);
    };
    for (int i = 0; i < 4; ++i) require_.finite("noise_parameters", p[i], i);
    switch (static_cast<Noise>(row_.noise)) {
      case Noise::kNone:
        return;
      case Noise::kGaussian:
      case Noise::kExactGaussian:
      case Noise::kSpeckle:
        return parameter(1, p[1] >= 0.0, "a number of at least 0");
      case Noise::kUniform:
        return parameter(1, p[1] >= p[0], "a number not below noise_parameters[0]");
      case Noise::kSaltAndPepper:
        parameter(0, p[0] >= 0.0, "a number of at least 0");
        return parameter(1, p[1] >= p[0] && p[1] <= 1.0, "a number from noise_parameters[0] to 1");
      case Noise::kPoisson:
        return parameter(0, p[0] > 0.0, "a number above 0");
    }
  }

  const PlanRow& row_;
  const Requirement require_;
};

}  // namespace

void validate_rows(const std::vector<PlanRow>& rows) {
  for (std::size_t i = 0; i < rows.size(); ++i) RowCheck(rows[i], i).all();
}

}  // namespace augsynth
