// StfSelectiveScan and its gradient as TensorFlow operations.
#pragma once

#include "operation.h"
#include "selectiveScan.h"

namespace stf {

// Reads inputs from `first` on: u, delta, decay, input, output, skip.
inline absl::Status scanOperandsOf(tensorflow::OpKernelContext* context, int first, int64_t steps, ScanShape* shape,
                                   ScanOperands* operands) {
  const auto input = [&](int i) -> const tensorflow::Tensor& { return context->input(first + i); };
  const auto fault = [&] {
    std::string shapes;
    for (int i = 0; i < 6; ++i) absl::StrAppend(&shapes, i == 0 ? "" : " ", input(i).shape().DebugString());
    return absl::InvalidArgumentError(absl::StrCat(
        "Expected operands [D,R,C] [D,R,C] [D,C,N] [D,R,N] [D,R,N] [D,1,C] with R a multiple of ", steps,
        " steps but received ", shapes));
  };
  if (input(0).dims() != 3 || input(2).dims() != 3 || input(0).dim_size(1) % steps != 0) return fault();
  const int64_t directions = input(0).dim_size(0);
  const int64_t rows = input(0).dim_size(1);
  const int64_t channels = input(0).dim_size(2);
  const int64_t states = input(2).dim_size(2);
  const tensorflow::TensorShape signal({directions, rows, channels});
  const tensorflow::TensorShape projection({directions, rows, states});
  const tensorflow::TensorShape wanted[] = {
      signal, signal, {directions, channels, states}, projection, projection, {directions, 1, channels}};
  for (int i = 0; i < 6; ++i)
    if (input(i).shape() != wanted[i]) return fault();
  *shape = {directions, rows / steps, steps, channels, states};
  *operands = {floats(context, first),     floats(context, first + 1), floats(context, first + 2),
               floats(context, first + 3), floats(context, first + 4), floats(context, first + 5)};
  return absl::OkStatus();
}

REGISTER_OP("StfSelectiveScan")
    .Input("u: float")
    .Input("delta: float")
    .Input("decay: float")
    .Input("input: float")
    .Input("output: float")
    .Input("skip: float")
    .Output("y: float")
    .Attr("steps: int >= 1")
    .SetShapeFn(shapedLike({0}));

class SelectiveScanOperation : public tensorflow::OpKernel {
 public:
  explicit SelectiveScanOperation(tensorflow::OpKernelConstruction* construction) : OpKernel(construction) {
    OP_REQUIRES_OK(construction, construction->GetAttr("steps", &steps_));
  }

  void Compute(tensorflow::OpKernelContext* context) override {
    ScanShape shape;
    ScanOperands operands;
    OP_REQUIRES_OK(context, scanOperandsOf(context, 0, steps_, &shape, &operands));
    tensorflow::Tensor* y;
    OP_REQUIRES_OK(context, context->allocate_output(0, context->input(0).shape(), &y));
    selectiveScan(deviceThreads(context), shape, operands, floats(y));
  }

 private:
  int64_t steps_;
};

REGISTER_KERNEL_BUILDER(Name("StfSelectiveScan").Device(tensorflow::DEVICE_CPU), SelectiveScanOperation);

REGISTER_OP("StfSelectiveScanGradient")
    .Input("dy: float")
    .Input("u: float")
    .Input("delta: float")
    .Input("decay: float")
    .Input("input: float")
    .Input("output: float")
    .Input("skip: float")
    .Output("d_u: float")
    .Output("d_delta: float")
    .Output("d_decay: float")
    .Output("d_input: float")
    .Output("d_output: float")
    .Output("d_skip: float")
    .Attr("steps: int >= 1")
    .SetShapeFn(shapedLike({1, 2, 3, 4, 5, 6}));

class SelectiveScanGradientOperation : public tensorflow::OpKernel {
 public:
  explicit SelectiveScanGradientOperation(tensorflow::OpKernelConstruction* construction) : OpKernel(construction) {
    OP_REQUIRES_OK(construction, construction->GetAttr("steps", &steps_));
  }

  void Compute(tensorflow::OpKernelContext* context) override {
    ScanShape shape;
    ScanOperands operands;
    OP_REQUIRES_OK(context, scanOperandsOf(context, 1, steps_, &shape, &operands));
    OP_REQUIRES(context, context->input(0).shape() == context->input(1).shape(),
                absl::InvalidArgumentError(absl::StrCat("Expected ", context->input(1).shape().DebugString(),
                                                        " for dy but received ",
                                                        context->input(0).shape().DebugString())));
    tensorflow::Tensor* d[6];
    for (int i = 0; i < 6; ++i)
      OP_REQUIRES_OK(context, context->allocate_output(i, context->input(i + 1).shape(), &d[i]));
    selectiveScanGradient(
        deviceThreads(context), shape, floats(context, 0), operands,
        {floats(d[0]), floats(d[1]), floats(d[2]), floats(d[3]), floats(d[4]), floats(d[5])});
  }

 private:
  int64_t steps_;
};

REGISTER_KERNEL_BUILDER(Name("StfSelectiveScanGradient").Device(tensorflow::DEVICE_CPU),
                        SelectiveScanGradientOperation);

}  // namespace stf
