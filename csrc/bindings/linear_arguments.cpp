#include "bindings/linear_arguments.h"

#include <pybind11/stl.h>

#include <string>
#include <type_traits>
#include <vector>

#include "core/errors.h"
#include "gradient/taps.h"

namespace py = pybind11;

namespace augsynth {
namespace {

using Shape = std::vector<std::int64_t>;

template <typename E>
constexpr const char* kType = "<f4";
template <>
constexpr const char* kType<double> = "<f8";
template <>
constexpr const char* kType<std::int32_t> = "<i4";

std::string text(const Shape& shape) { return py::repr(py::tuple(py::cast(shape))); }

// An array, wherever it lies.
struct Described {
  std::string type;
  void* data;
  bool read_only, contiguous;
  Shape shape, strides;  // bytes

  Described(const py::handle& object, const char* interface) {
    if (!py::hasattr(object, interface))
      throw ImageError("got a " + std::string(py::str(py::type::of(object).attr("__name__"))) +
                       ", expected an array with " + interface);
    const py::dict fields = object.attr(interface);
    type = py::cast<std::string>(fields["typestr"]);
    const auto memory = py::cast<py::tuple>(fields["data"]);
    data = reinterpret_cast<void*>(py::cast<std::uintptr_t>(memory[0]));
    read_only = py::cast<bool>(memory[1]);
    shape = py::cast<Shape>(fields["shape"]);
    const py::object given = fields.attr("get")("strides");
    contiguous = given.is_none();
    strides = contiguous ? packed() : py::cast<Shape>(given);
  }

  std::string words() const { return type + " " + text(shape); }

 private:
  Shape packed() const {
    Shape steps(shape.size());
    std::int64_t step = type.back() - '0';
    for (std::size_t axis = shape.size(); axis-- > 0; step *= shape[axis]) steps[axis] = step;
    return steps;
  }
};

template <typename E>
E* data_of(const Described& array, const char* name) {
  if (reinterpret_cast<std::uintptr_t>(array.data) % alignof(E) != 0)
    throw ImageError(std::string(name) +
                     " lies at an address that is no multiple of its elements: pass a copy");
  return static_cast<E*>(array.data);
}

// A batch of images (n, channels, height, width).
template <typename T>
ImageBatch<T> batch_of(const Described& array, const char* name) {
  using Element = std::remove_const_t<T>;
  if (array.type != kType<Element> || array.shape.size() != 4)
    throw ImageError(std::string(name) + " is " + array.words() + ", expected 4 axes of " + kType<Element>);
  if (!std::is_const_v<T> && array.read_only) throw ImageError(std::string(name) + " is read-only");
  Shape stride = array.strides;
  for (std::int64_t& step : stride) {
    if (step % static_cast<std::int64_t>(sizeof(T)) != 0)
      throw ImageError(std::string(name) + " has strides that are no multiples of its elements");
    step /= static_cast<std::int64_t>(sizeof(T));
  }
  for (int axis = 2; axis < 4; ++axis)
    if (array.shape[axis] < 1 || array.shape[axis] > static_cast<std::int64_t>(kFarthest))
      throw ArgumentError(std::string(name) + " has shape " + text(array.shape) +
                          ", expected sides of 1 to 2^24");
  return {data_of<T>(array, name),
          stride[0],
          stride[1],
          stride[2],
          stride[3],
          static_cast<int>(array.shape[2]),
          static_cast<int>(array.shape[3])};
}

// The parameters of a pass by name, for n samples of c channels.
class Parameters {
 public:
  Parameters(const py::dict& given, const char* interface) : given_(given), interface_(interface) {}

  // Null for None.
  template <typename E>
  const E* optional(const char* name, const Shape& shape) const {
    const py::object object = given_[name];
    if (object.is_none()) return nullptr;
    const Described array(object, interface_);
    if (array.type != kType<E> || array.shape != shape || !array.contiguous)
      throw ArgumentError(std::string(name) + " is " + array.words() + ", expected a contiguous array " +
                          kType<E> + " " + text(shape));
    return data_of<const E>(array, name);
  }

  template <typename E>
  const E* required(const char* name, const Shape& shape) const {
    const E* data = optional<E>(name, shape);
    if (data == nullptr && shape[0] > 0) throw ArgumentError(std::string(name) + " is missing");
    return data;
  }

  int number(const char* name, int last) const {
    const auto came = py::cast<int>(given_[name]);
    if (came < 0 || came > last)
      throw ArgumentError(std::string(name) + " is " + std::to_string(came) + ", expected 0 to " +
                          std::to_string(last));
    return came;
  }

  std::int64_t boxes() const {
    const py::object object = given_["boxes"];
    if (object.is_none()) return 0;
    const Described array(object, interface_);
    return array.shape.size() == 3 ? array.shape[1] : 0;
  }

 private:
  const py::dict& given_;
  const char* interface_;
};

template <typename T>
LinearPass<T> pass_of(const Parameters& given, std::int64_t n, std::int64_t c) {
  if (c < 1 || c > kMaxChannels)
    throw ArgumentError("images have " + std::to_string(c) + " channels, expected 1 to 16");
  const std::int64_t k = given.boxes();
  LinearPass<T> pass{};
  LinearMap<T>& map = pass.first;
  map.inverse = given.required<double>("inverse", {n, 3, 3});
  map.edge = given.required<double>("edge", {n, 2});
  map.fill = given.optional<T>("fill", {n, c});
  map.matrix = given.optional<T>("matrix", {n, c, c});
  map.of_mean = given.optional<T>("of_mean", {n, c, c});
  map.offset = given.optional<T>("offset", {n, c});
  map.boxes = given.optional<std::int32_t>("boxes", {n, k, 4});
  map.values = given.optional<T>("values", {n, k, c});
  map.gain = given.optional<T>("gain", {n, c});
  map.bias = given.optional<T>("bias", {n, c});
  map.channels = static_cast<int>(c);
  map.box_count = static_cast<int>(k);
  map.border = static_cast<Border>(given.number("border", 4));
  pass.samples = static_cast<int>(n);
  pass.interpolation = static_cast<Interpolation>(given.number("interpolation", 1));
  return pass;
}

}  // namespace

bool is_double(const py::object& images, const char* interface) {
  return Described(images, interface).type == kType<double>;
}

template <typename T>
LinearArguments<T> read_linear(const py::object& source, const py::object& output, const py::dict& parameters,
                               const char* interface) {
  const Described from(source, interface), to(output, interface);
  const ImageBatch<const T> read = batch_of<const T>(from, "source");
  const ImageBatch<T> written = batch_of<T>(to, "output");
  if (to.shape[0] != from.shape[0] || to.shape[1] != from.shape[1])
    throw ArgumentError("output is " + to.words() + " for " + from.words());
  return {pass_of<T>(Parameters(parameters, interface), from.shape[0], from.shape[1]), read, written};
}

template <typename T>
T* read_means(const py::object& object, const LinearPass<T>& pass, const char* interface) {
  const Described array(object, interface);
  const Shape shape{pass.samples, pass.first.channels};
  if (array.type != kType<T> || array.shape != shape || !array.contiguous || array.read_only)
    throw ArgumentError("means is " + array.words() + ", expected a contiguous array " + kType<T> + " " +
                        text(shape));
  return data_of<T>(array, "means");
}

template float* read_means(const py::object&, const LinearPass<float>&, const char*);
template double* read_means(const py::object&, const LinearPass<double>&, const char*);
template LinearArguments<float> read_linear(const py::object&, const py::object&, const py::dict&,
                                            const char*);
template LinearArguments<double> read_linear(const py::object&, const py::object&, const py::dict&,
                                             const char*);

}  // namespace augsynth
