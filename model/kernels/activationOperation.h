// StfGelu, StfSilu and StfSoftplus with their gradients as TensorFlow operations.
#pragma once

#include "activation.h"
#include "operation.h"

namespace stf {

template <typename Function>
class ActivationOperation : public tensorflow::OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(tensorflow::OpKernelContext* context) override {
    const tensorflow::Tensor& x = context->input(0);
    tensorflow::Tensor* y;
    OP_REQUIRES_OK(context, context->forward_input_or_allocate_output({0}, 0, x.shape(), &y));
    elementwise<Function>(deviceThreads(context), x.NumElements(), floats(context, 0), floats(y));
  }
};

template <typename Function>
class ActivationGradientOperation : public tensorflow::OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(tensorflow::OpKernelContext* context) override {
    const tensorflow::Tensor& dy = context->input(0);
    const tensorflow::Tensor& x = context->input(1);
    OP_REQUIRES(context, dy.shape() == x.shape(),
                absl::InvalidArgumentError(absl::StrCat("Expected dy of shape ", x.shape().DebugString(),
                                                        " but received ", dy.shape().DebugString())));
    tensorflow::Tensor* dx;
    OP_REQUIRES_OK(context, context->forward_input_or_allocate_output({0}, 0, x.shape(), &dx));
    elementwiseGradient<Function>(deviceThreads(context), x.NumElements(), floats(context, 0), floats(context, 1),
                                  floats(dx));
  }
};

#define STF_REGISTER_ACTIVATION(Function)                                                                  \
  REGISTER_OP("Stf" #Function).Input("x: float").Output("y: float").SetShapeFn(shapedLike({0}));            \
  REGISTER_OP("Stf" #Function "Gradient")                                                                  \
      .Input("dy: float")                                                                                  \
      .Input("x: float")                                                                                   \
      .Output("dx: float")                                                                                 \
      .SetShapeFn(shapedLike({1}));                                                                        \
  REGISTER_KERNEL_BUILDER(Name("Stf" #Function).Device(tensorflow::DEVICE_CPU), ActivationOperation<Function>); \
  REGISTER_KERNEL_BUILDER(Name("Stf" #Function "Gradient").Device(tensorflow::DEVICE_CPU),                 \
                          ActivationGradientOperation<Function>)

STF_REGISTER_ACTIVATION(Gelu);
STF_REGISTER_ACTIVATION(Silu);
STF_REGISTER_ACTIVATION(Softplus);

#undef STF_REGISTER_ACTIVATION

}  // namespace stf
