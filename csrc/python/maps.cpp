#include <algorithm>
#include <string>

#include "errors.h"
#include "python/parts.h"

namespace py = pybind11;

namespace augsynth {
namespace {

void require_maps(const MapArray& maps) {
  if (maps.ndim() != 3 || maps.shape(1) != 3 || maps.shape(2) != 3)
    throw ArgumentError("maps have shape " + std::string(py::str(maps.attr("shape"))) +
                        ", expected (n, 3, 3)");
}

void multiply(const double* outer, const double* inner, double* product) {
  for (int row = 0; row < 3; ++row, outer += 3)
    for (int column = 0; column < 3; ++column)
      *product++ = outer[0] * inner[column] + outer[1] * inner[3 + column] + outer[2] * inner[6 + column];
}

}  // namespace

MapArray compose(const MapArray& outer, const MapArray& inner) {
  require_maps(outer);
  require_maps(inner);
  const py::ssize_t outers = outer.shape(0), inners = inner.shape(0);
  const py::ssize_t count = outers == 1 ? inners : outers;
  if (inners != count && inners != 1)
    throw ArgumentError("there are " + std::to_string(outers) + " maps and " + std::to_string(inners) +
                        " to compose them with, expected as many or one");
  MapArray composed({count, py::ssize_t{3}, py::ssize_t{3}});
  const double *a = outer.data(), *b = inner.data();
  double* to = composed.mutable_data();
  for (py::ssize_t i = 0; i < count; ++i, to += 9) {
    multiply(a, b, to);
    if (outers > 1) a += 9;
    if (inners > 1) b += 9;
  }
  return composed;
}

}  // namespace augsynth
