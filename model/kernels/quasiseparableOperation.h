// StfMixOverTime and its gradient as TensorFlow operations.
#pragma once

#include "operation.h"
#include "quasiseparable.h"

namespace stf {

// Reads inputs from `first` on: u, delta, decay, diagonal, then input and output forward and backward.
inline absl::Status mixerOperandsOf(tensorflow::OpKernelContext* context, int first, MixerShape* shape,
                                    MixerOperands* operands) {
  const auto input = [&](int i) -> const tensorflow::Tensor& { return context->input(first + i); };
  const auto fault = [&] {
    std::string shapes;
    for (int i = 0; i < 8; ++i) absl::StrAppend(&shapes, i == 0 ? "" : " ", input(i).shape().DebugString());
    return absl::InvalidArgumentError(
        absl::StrCat("Expected operands [B,T,C] [B,H,2,T] [H] [B,T,H] and four [B,T,N] with T at least 1 and C a "
                     "multiple of H but received ", shapes));
  };
  if (input(0).dims() != 3 || input(2).dims() != 1 || input(4).dims() != 3) return fault();
  const int64_t batch = input(0).dim_size(0);
  const int64_t steps = input(0).dim_size(1);
  const int64_t heads = input(2).dim_size(0);
  if (steps < 1 || heads < 1 || input(0).dim_size(2) % heads != 0) return fault();
  const int64_t states = input(4).dim_size(2);
  const tensorflow::TensorShape projection({batch, steps, states});
  const tensorflow::TensorShape wanted[] = {input(0).shape(),      {batch, heads, 2, steps}, {heads},
                                            {batch, steps, heads}, projection,               projection,
                                            projection,            projection};
  for (int i = 0; i < 8; ++i)
    if (input(i).shape() != wanted[i]) return fault();
  *shape = {batch, steps, heads, input(0).dim_size(2) / heads, states};
  *operands = {floats(context, first),     floats(context, first + 1), floats(context, first + 2),
               floats(context, first + 3), floats(context, first + 4), floats(context, first + 5),
               floats(context, first + 6), floats(context, first + 7)};
  return absl::OkStatus();
}

REGISTER_OP("StfMixOverTime")
    .Input("u: float")
    .Input("delta: float")
    .Input("decay: float")
    .Input("diagonal: float")
    .Input("input_forward: float")
    .Input("output_forward: float")
    .Input("input_backward: float")
    .Input("output_backward: float")
    .Output("y: float")
    .SetShapeFn(shapedLike({0}));

class MixOverTimeOperation : public tensorflow::OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(tensorflow::OpKernelContext* context) override {
    MixerShape shape;
    MixerOperands operands;
    OP_REQUIRES_OK(context, mixerOperandsOf(context, 0, &shape, &operands));
    tensorflow::Tensor* y;
    OP_REQUIRES_OK(context, context->allocate_output(0, context->input(0).shape(), &y));
    mixOverTime(deviceThreads(context), shape, operands, floats(y));
  }
};

REGISTER_KERNEL_BUILDER(Name("StfMixOverTime").Device(tensorflow::DEVICE_CPU), MixOverTimeOperation);

REGISTER_OP("StfMixOverTimeGradient")
    .Input("dy: float")
    .Input("u: float")
    .Input("delta: float")
    .Input("decay: float")
    .Input("diagonal: float")
    .Input("input_forward: float")
    .Input("output_forward: float")
    .Input("input_backward: float")
    .Input("output_backward: float")
    .Output("d_u: float")
    .Output("d_delta: float")
    .Output("d_decay: float")
    .Output("d_diagonal: float")
    .Output("d_input_forward: float")
    .Output("d_output_forward: float")
    .Output("d_input_backward: float")
    .Output("d_output_backward: float")
    .SetShapeFn(shapedLike({1, 2, 3, 4, 5, 6, 7, 8}));

class MixOverTimeGradientOperation : public tensorflow::OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(tensorflow::OpKernelContext* context) override {
    MixerShape shape;
    MixerOperands operands;
    OP_REQUIRES_OK(context, mixerOperandsOf(context, 1, &shape, &operands));
    OP_REQUIRES(context, context->input(0).shape() == context->input(1).shape(),
                absl::InvalidArgumentError(absl::StrCat("Expected ", context->input(1).shape().DebugString(),
                                                        " for dy but received ",
                                                        context->input(0).shape().DebugString())));
    tensorflow::Tensor* d[8];
    for (int i = 0; i < 8; ++i)
      OP_REQUIRES_OK(context, context->allocate_output(i, context->input(i + 1).shape(), &d[i]));
    mixOverTimeGradient(deviceThreads(context), shape, floats(context, 0), operands,
                        {floats(d[0]), floats(d[1]), floats(d[2]), floats(d[3]), floats(d[4]), floats(d[5]),
                         floats(d[6]), floats(d[7])});
  }
};

REGISTER_KERNEL_BUILDER(Name("StfMixOverTimeGradient").Device(tensorflow::DEVICE_CPU), MixOverTimeGradientOperation);

}  // namespace stf
