#include <cstring>
#include <initializer_list>
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

// One number for all maps, or one for each.
class Coefficient {
 public:
  Coefficient(const Values& values, py::ssize_t count)
      : at_(reinterpret_cast<const char*>(values.data())),
        step_(values.size() == count ? stride(values) : 0) {
    if (values.ndim() > 1 || (values.size() != count && values.size() != 1))
      throw ArgumentError("a coefficient has shape " + std::string(py::str(values.attr("shape"))) +
                          ", expected one number or " + std::to_string(count));
  }

  double next() {
    double value;
    std::memcpy(&value, at_, sizeof value);
    at_ += step_;
    return value;
  }

 private:
  static py::ssize_t stride(const Values& values) { return values.ndim() == 1 ? values.strides(0) : 0; }

  const char* at_;
  py::ssize_t step_;
};

// Of what broadcasts: that of the others, where it is 1 for some.
py::ssize_t common_count(std::initializer_list<const Values*> given) {
  for (const Values* values : given)
    if (values->size() != 1) return values->size();
  return 1;
}

}  // namespace

MapArray affine(const Values& a, const Values& b, const Values& c, const Values& d, const Values& e,
                const Values& f) {
  const py::ssize_t count = common_count({&a, &b, &c, &d, &e, &f});
  Coefficient given[6] = {{a, count}, {b, count}, {c, count}, {d, count}, {e, count}, {f, count}};
  MapArray maps({count, py::ssize_t{3}, py::ssize_t{3}});
  double* to = maps.mutable_data();
  for (py::ssize_t i = 0; i < count; ++i) {
    for (Coefficient& coefficient : given) *to++ = coefficient.next();
    for (const double constant : {0.0, 0.0, 1.0}) *to++ = constant;
  }
  return maps;
}

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
