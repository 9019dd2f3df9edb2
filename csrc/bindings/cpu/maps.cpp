#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "bindings/arrays.h"
#include "bindings/cpu/functions.h"
#include "core/errors.h"

namespace py = pybind11;

namespace augsynth {
namespace {

using Values = py::array_t<double, py::array::forcecast>;

void require_maps(const MapArray& maps) {
  if (maps.ndim() != 3 || maps.shape(1) != 3 || maps.shape(2) != 3)
    throw ArgumentError("maps have shape " + shape_text(maps) + ", expected (n, 3, 3)");
}

void multiply(const double* outer, const double* inner, double* product) {
  for (int row = 0; row < 3; ++row, outer += 3)
    for (int column = 0; column < 3; ++column)
      *product++ = outer[0] * inner[column] + outer[1] * inner[3 + column] + outer[2] * inner[6 + column];
}

// One number for all maps, or one for each.
class Coefficient {
 public:
  explicit Coefficient(const py::object& given) {
    if (PyFloat_Check(given.ptr())) {  // which to make an array of would cost more than all else
      number_ = PyFloat_AS_DOUBLE(given.ptr());
      return;
    }
    const Values values(given);
    size_ = values.size();
    fits_ = values.ndim() <= 1;
    at_ = reinterpret_cast<const char*>(values.data());
    step_ = values.ndim() == 1 && size_ != 1 ? values.strides(0) : 0;
    values_ = values;
  }

  py::ssize_t size() const { return size_; }

  void require(py::ssize_t count) const {
    if (!fits_ || (size_ != count && size_ != 1))
      throw ArgumentError("a coefficient has shape " + shape_text(values_) + ", expected one number or " +
                          std::to_string(count));
  }

  double next() {
    if (at_ == nullptr) return number_;
    double value;
    std::memcpy(&value, at_, sizeof value);
    at_ += step_;
    return value;
  }

 private:
  double number_ = 0.0;
  py::object values_;  // keeps what `at_` points to
  py::ssize_t size_ = 1;
  bool fits_ = true;
  const char* at_ = nullptr;
  py::ssize_t step_ = 0;
};

using Coefficients = std::array<Coefficient, 6>;

// Of what broadcasts: that of the others, where it is 1 for some.
py::ssize_t common_count(const Coefficients& given) {
  const auto several =
      std::find_if(given.begin(), given.end(), [](const auto& one) { return one.size() != 1; });
  const py::ssize_t count = several == given.end() ? 1 : several->size();
  for (const Coefficient& coefficient : given) coefficient.require(count);
  return count;
}

// `write` turns the coefficients of a map into its first two lines.
template <typename Write>
MapArray maps_of(Coefficients given, const Write& write) {
  const py::ssize_t count = common_count(given);
  MapArray maps({count, py::ssize_t{3}, py::ssize_t{3}});
  double* to = maps.mutable_data();
  for (py::ssize_t i = 0; i < count; ++i, to += 9) {
    double values[6];
    for (int k = 0; k < 6; ++k) values[k] = given[k].next();
    write(values, to);
    to[6] = to[7] = 0.0;
    to[8] = 1.0;
  }
  return maps;
}

// [[a, b, c], [d, e, f], [0, 0, 1]] of numbers, one for all maps or one each.
MapArray affine(const py::object& a, const py::object& b, const py::object& c, const py::object& d,
                const py::object& e, const py::object& f) {
  return maps_of(
      {Coefficient(a), Coefficient(b), Coefficient(c), Coefficient(d), Coefficient(e), Coefficient(f)},
      [](const double* from, double* to) { std::copy(from, from + 6, to); });
}

// The linear maps [[a, b], [d, e]] with (x, y) as the point that stays where it is.
MapArray about(const py::object& a, const py::object& b, const py::object& d, const py::object& e,
               const py::object& x, const py::object& y) {
  return maps_of(
      {Coefficient(a), Coefficient(b), Coefficient(d), Coefficient(e), Coefficient(x), Coefficient(y)},
      [](const double* from, double* to) {
        const double x = from[4], y = from[5];
        to[0] = from[0];
        to[1] = from[1];
        to[2] = x - (from[0] * x + from[1] * y);
        to[3] = from[2];
        to[4] = from[3];
        to[5] = y - (from[2] * x + from[3] * y);
      });
}

// outer[i] inner[i]; one map stands for all. Each sum is rounded from left to right.
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

}  // namespace

void bind_maps(py::module_& module) {
  module.def("affine", affine, py::arg("a"), py::arg("b"), py::arg("c"), py::arg("d"), py::arg("e"),
             py::arg("f"));
  module.def("about", about, py::arg("a"), py::arg("b"), py::arg("d"), py::arg("e"), py::arg("x"),
             py::arg("y"));
  module.def("compose", compose, py::arg("outer"), py::arg("inner"));
}

}  // namespace augsynth
