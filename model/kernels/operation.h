// What the registrations of our operations share: threads of TensorFlow's device, rows of a tensor.
#pragma once

#include "parallel.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/framework/shape_inference.h"
#include "tensorflow/core/util/work_sharder.h"

namespace stf {

// Spreads work over the thread pool that TensorFlow's own kernels use.
inline Parallel deviceThreads(tensorflow::OpKernelContext* context) {
  const auto* threads = context->device()->tensorflow_cpu_worker_threads();
  return [threads](int64_t count, int64_t cost, const Range& body) {
    if (count > 0) tensorflow::Shard(threads->num_threads, threads->workers, count, cost, body);
  };
}

inline const float* floats(tensorflow::OpKernelContext* context, int input) {
  return context->input(input).flat<float>().data();
}

inline float* floats(tensorflow::Tensor* tensor) { return tensor->flat<float>().data(); }

// A tensor [..., C] as rows of C.
struct Rows {
  int64_t count;
  int64_t width;
};

inline Rows rowsOf(const tensorflow::Tensor& x) {
  const int64_t width = x.dims() == 0 ? 1 : x.dim_size(x.dims() - 1);
  return {width == 0 ? 0 : x.NumElements() / width, width};
}

// The shape of one input, for shape functions: output i is shaped like input `inputs[i]`.
inline std::function<absl::Status(tensorflow::shape_inference::InferenceContext*)> shapedLike(std::vector<int> inputs) {
  return [inputs](tensorflow::shape_inference::InferenceContext* context) {
    for (size_t i = 0; i < inputs.size(); ++i) context->set_output(static_cast<int>(i), context->input(inputs[i]));
    return absl::OkStatus();
  };
}

}  // namespace stf
