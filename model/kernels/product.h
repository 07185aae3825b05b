// Products of matrices small enough to lie in a processor's cache, computed by the thread that needs them.
#pragma once

#include <cstdint>
#include <cstring>

#include "elementaryFunctions.h"

// How a vector would be returned without the instructions for it does not matter: these functions are all inlined.
#pragma GCC diagnostic ignored "-Wpsabi"

namespace stf {

typedef float Lanes4 __attribute__((vector_size(16)));
typedef float Lanes8 __attribute__((vector_size(32)));
typedef float Lanes16 __attribute__((vector_size(64)));

// Numbers in memory are aligned to their own size only: a copy becomes one unaligned load or store.
template <typename Vector>
STF_INLINE Vector load(const float* from) {
  Vector vector;
  std::memcpy(&vector, from, sizeof(Vector));
  return vector;
}

template <typename Vector>
STF_INLINE void store(float* to, const Vector& vector) {
  std::memcpy(to, &vector, sizeof(Vector));
}

// A matrix whose element (i, j) is values[i·row + j·column].
struct Strided {
  const float* values;
  int64_t row;
  int64_t column;
};

// R rows and V vectors of columns of c += a·b; the sums stay in registers over the whole depth.
template <typename Vector, int R, int V>
inline void productTile(int64_t depth, Strided a, const float* b, int64_t bRow, float* c, int64_t cRow) {
  constexpr int kLanes = sizeof(Vector) / sizeof(float);
  Vector sums[R][V];
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < V; ++v) sums[r][v] = load<Vector>(c + r * cRow + v * kLanes);
  for (int64_t k = 0; k < depth; ++k) {
    Vector right[V];
    for (int v = 0; v < V; ++v) right[v] = load<Vector>(b + k * bRow + v * kLanes);
    for (int r = 0; r < R; ++r) {
      const float left = a.values[r * a.row + k * a.column];
      for (int v = 0; v < V; ++v) sums[r][v] += left * right[v];
    }
  }
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < V; ++v) store(c + r * cRow + v * kLanes, sums[r][v]);
}

template <typename Vector, int V>
inline void productColumns(int64_t rows, int64_t depth, Strided a, const float* b, int64_t bRow, float* c,
                           int64_t cRow) {
#ifdef __AVX512F__
  constexpr int kRows = 8;  // of 32 registers, 24 hold sums
#else
  constexpr int kRows = 4;
#endif
  int64_t r = 0;
  const auto at = [&](int64_t row) { return Strided{a.values + row * a.row, a.row, a.column}; };
  for (; r + kRows <= rows; r += kRows) productTile<Vector, kRows, V>(depth, at(r), b, bRow, c + r * cRow, cRow);
  for (; r + 4 <= rows; r += 4) productTile<Vector, 4, V>(depth, at(r), b, bRow, c + r * cRow, cRow);
  for (; r < rows; ++r) productTile<Vector, 1, V>(depth, at(r), b, bRow, c + r * cRow, cRow);
}

// c[rows, columns] += a[rows, depth]·b[depth, columns]; rows of b and c lie bRow and cRow apart. An element's sum runs
// in order of depth whatever the sizes.
inline void addProduct(int64_t rows, int64_t depth, int64_t columns, Strided a, const float* b, int64_t bRow, float* c,
                       int64_t cRow) {
  int64_t j = 0;
#ifdef __AVX512F__
  for (; j + 48 <= columns; j += 48) productColumns<Lanes16, 3>(rows, depth, a, b + j, bRow, c + j, cRow);
  for (; j + 16 <= columns; j += 16) productColumns<Lanes16, 1>(rows, depth, a, b + j, bRow, c + j, cRow);
#else
  for (; j + 24 <= columns; j += 24) productColumns<Lanes8, 3>(rows, depth, a, b + j, bRow, c + j, cRow);
#endif
  for (; j + 8 <= columns; j += 8) productColumns<Lanes8, 1>(rows, depth, a, b + j, bRow, c + j, cRow);
  for (; j + 4 <= columns; j += 4) productColumns<Lanes4, 1>(rows, depth, a, b + j, bRow, c + j, cRow);
  for (; j < columns; ++j) productColumns<float, 1>(rows, depth, a, b + j, bRow, c + j, cRow);
}

}  // namespace stf
