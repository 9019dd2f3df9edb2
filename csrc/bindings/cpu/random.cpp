#include <pybind11/stl.h>

#include <string>
#include <vector>

#include "bindings/arrays.h"
#include "bindings/cpu/functions.h"
#include "core/draw.h"
#include "core/errors.h"
#include "core/permutation.h"

namespace py = pybind11;

namespace augsynth {
namespace {

using KeyArray = Packed<std::int64_t>;
using Uniforms = py::array_t<double, kNumpyAligned>;

std::vector<Key> copy_keys(const KeyArray& array) {
  if (array.ndim() != 2 || array.shape(1) != 3)
    throw ArgumentError("keys has shape " + shape_text(array) + ", expected (n, 3): seed, epoch and index");
  std::vector<Key> keys;
  keys.reserve(static_cast<std::size_t>(array.shape(0)));
  const std::int64_t* at = array.data();
  for (py::ssize_t i = 0; i < array.shape(0); ++i, at += 3) {
    keys.push_back({at[0], at[1], at[2]});
    validate_key(keys.back(), static_cast<std::size_t>(i));
  }
  return keys;
}

void require_range(const char* name, std::int64_t came, std::int64_t last) {
  if (came < 0 || came > last)
    throw ArgumentError(std::string(name) + " is " + std::to_string(came) + ", expected 0 to " +
                        std::to_string(last));
}

constexpr std::int64_t kLastOp = (1 << 16) - 1;
constexpr std::int64_t kMostWords = 1 << 18;

// Words (n, words) for keys (n, 3) of seed, epoch and index.
py::array_t<std::uint32_t> draw_bits(const KeyArray& keys, std::int64_t op, std::int64_t words) {
  require_range("op", op, kLastOp);
  require_range("words", words, kMostWords);
  const std::vector<Key> valid = copy_keys(keys);
  py::array_t<std::uint32_t> drawn({static_cast<py::ssize_t>(valid.size()), static_cast<py::ssize_t>(words)});
  std::uint32_t* to = drawn.mutable_data();
  for (const Key& key : valid) {
    draw_words(key, static_cast<std::uint32_t>(op), static_cast<std::size_t>(words), to);
    to += words;
  }
  return drawn;
}

// Numbers (n, count) in [0, 1).
py::array_t<double> draw_uniforms(const KeyArray& keys, std::int64_t op, std::int64_t count) {
  require_range("op", op, kLastOp);
  require_range("count", count, kMostWords / 2);
  const std::vector<Key> valid = copy_keys(keys);
  py::array_t<double> drawn({static_cast<py::ssize_t>(valid.size()), static_cast<py::ssize_t>(count)});
  double* to = drawn.mutable_data();
  for (const Key& key : valid) {
    draw_uniform(key, static_cast<std::uint32_t>(op), 0, static_cast<std::size_t>(count), 1, to);
    to += count;
  }
  return drawn;
}

// Numbers (n, count) in [0, 1) for each operation.
// The numbers of an operation lie one after the other, as a pipeline reads all samples' first, then all their
// second.
std::vector<py::array_t<double>> draw_pipeline(const KeyArray& keys,
                                               const std::vector<std::int64_t>& counts) {
  require_range("the number of operations", static_cast<std::int64_t>(counts.size()), kLastOp + 1);
  for (const std::int64_t count : counts) require_range("count", count, kMostWords / 4);
  const std::vector<Key> valid = copy_keys(keys);
  const auto samples = static_cast<py::ssize_t>(valid.size());
  constexpr py::ssize_t kItem = sizeof(double);
  std::vector<py::array_t<double>> drawn;
  for (std::uint32_t op = 0; op < counts.size(); ++op) {
    drawn.emplace_back(std::vector<py::ssize_t>{samples, counts[op]},
                       std::vector<py::ssize_t>{kItem, samples * kItem});
    double* to = drawn.back().mutable_data();
    for (const Key& key : valid)
      draw_uniform(key, op, kStreamBlocks, static_cast<std::size_t>(counts[op]), valid.size(), to++);
  }
  return drawn;
}

// Column `column` of uniform numbers (n, k), spread over [low, high): low + (high - low) u.
py::array_t<double> spread(const Uniforms& u, py::ssize_t column, double low, double high) {
  if (u.ndim() != 2 || column < 0 || column >= u.shape(1))
    throw ArgumentError("u has shape " + shape_text(u) + ", expected (n, more than " +
                        std::to_string(column) + ")");
  py::array_t<double> drawn(u.shape(0));
  const auto from = u.unchecked<2>();
  double* to = drawn.mutable_data();
  for (py::ssize_t i = 0; i < u.shape(0); ++i) *to++ = low + (high - low) * from(i, column);
  return drawn;
}

// Keyed permutations of [0, size): `x` (m,), with `sizes` (m,) and `keys` (m, 12), or (1,) and (1, 12) for
// all.
py::array_t<std::int64_t> permute(const KeyArray& x, const KeyArray& sizes, const Packed<std::uint64_t>& keys,
                                  bool backwards) {
  const py::ssize_t count = x.size();
  if (x.ndim() != 1 || sizes.ndim() != 1 || keys.ndim() != 2 || keys.shape(1) != kPermutationRounds ||
      (sizes.size() != count && sizes.size() != 1) || (keys.shape(0) != count && keys.shape(0) != 1))
    throw ArgumentError("expected x (m,), sizes (m,) or (1,), and keys (m, 12) or (1, 12)");
  py::array_t<std::int64_t> images(count);
  const py::ssize_t size_step = sizes.size() == 1 ? 0 : 1;
  const py::ssize_t key_step = keys.shape(0) == 1 ? 0 : kPermutationRounds;
  for (py::ssize_t i = 0; i < count; ++i) {
    const std::int64_t size = sizes.data()[i * size_step], from = x.data()[i];
    require_range("a domain's size", size, kLargestDomain);
    require_range("x", from, size - 1);
    images.mutable_data()[i] = permuted(from, size, keys.data() + i * key_step, backwards);
  }
  return images;
}

}  // namespace

void bind_random(py::module_& module) {
  module.def("draw_bits", draw_bits, py::arg("keys").noconvert(), py::arg("op"), py::arg("words"));
  module.def("draw_uniform", draw_uniforms, py::arg("keys").noconvert(), py::arg("op"), py::arg("count"));
  module.def("draw_pipeline", draw_pipeline, py::arg("keys").noconvert(), py::arg("counts"));
  module.def("spread", spread, py::arg("u").noconvert(), py::arg("column"), py::arg("low"), py::arg("high"));
  module.def("permute", permute, py::arg("x"), py::arg("sizes"), py::arg("keys"), py::arg("backwards"));
}

}  // namespace augsynth
