// StfLayerNorm and its gradient as TensorFlow operations.
#pragma once

#include "layerNorm.h"
#include "operation.h"

namespace stf {

REGISTER_OP("StfLayerNorm")
    .Input("x: float")
    .Input("gamma: float")
    .Input("beta: float")
    .Output("y: float")
    .Output("mean: float")
    .Output("inverse_deviation: float")
    .Attr("epsilon: float")
    .SetShapeFn([](tensorflow::shape_inference::InferenceContext* c) {
      tensorflow::shape_inference::ShapeHandle x, rows;
      TF_RETURN_IF_ERROR(c->WithRankAtLeast(c->input(0), 1, &x));
      TF_RETURN_IF_ERROR(c->Subshape(x, 0, -1, &rows));
      c->set_output(0, x);
      c->set_output(1, rows);
      c->set_output(2, rows);
      return absl::OkStatus();
    });

class LayerNormOperation : public tensorflow::OpKernel {
 public:
  explicit LayerNormOperation(tensorflow::OpKernelConstruction* construction) : OpKernel(construction) {
    OP_REQUIRES_OK(construction, construction->GetAttr("epsilon", &epsilon_));
  }

  void Compute(tensorflow::OpKernelContext* context) override {
    const tensorflow::Tensor& x = context->input(0);
    const auto [count, width] = rowsOf(x);
    OP_REQUIRES(context, x.dims() >= 1 && context->input(1).NumElements() == width &&
                             context->input(2).NumElements() == width,
                absl::InvalidArgumentError(absl::StrCat("Expected ", width, " elements for gamma and beta but received ",
                                                        context->input(1).NumElements(), " and ",
                                                        context->input(2).NumElements())));
    tensorflow::TensorShape rows = x.shape();
    rows.RemoveDim(rows.dims() - 1);
    tensorflow::Tensor *y, *mean, *inverse;
    OP_REQUIRES_OK(context, context->allocate_output(0, x.shape(), &y));
    OP_REQUIRES_OK(context, context->allocate_output(1, rows, &mean));
    OP_REQUIRES_OK(context, context->allocate_output(2, rows, &inverse));
    layerNorm(deviceThreads(context), count, width, epsilon_, floats(context, 0), floats(context, 1),
              floats(context, 2), floats(y), floats(mean), floats(inverse));
  }

 private:
  float epsilon_;
};

REGISTER_KERNEL_BUILDER(Name("StfLayerNorm").Device(tensorflow::DEVICE_CPU), LayerNormOperation);

REGISTER_OP("StfLayerNormGradient")
    .Input("dy: float")
    .Input("x: float")
    .Input("gamma: float")
    .Input("mean: float")
    .Input("inverse_deviation: float")
    .Output("dx: float")
    .Output("d_parameters: float")  // [2, C]: dγ, dβ
    .SetShapeFn([](tensorflow::shape_inference::InferenceContext* c) {
      c->set_output(0, c->input(1));
      c->set_output(1, c->Matrix(2, c->Dim(c->input(2), 0)));
      return absl::OkStatus();
    });

class LayerNormGradientOperation : public tensorflow::OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(tensorflow::OpKernelContext* context) override {
    const tensorflow::Tensor& x = context->input(1);
    const auto [count, width] = rowsOf(x);
    OP_REQUIRES(context,
                x.dims() >= 1 && context->input(0).shape() == x.shape() && context->input(2).NumElements() == width &&
                    context->input(3).NumElements() == count && context->input(4).NumElements() == count,
                absl::InvalidArgumentError(absl::StrCat("Expected operands of a layer norm over [", count, ",", width,
                                                        "] but received others")));
    tensorflow::Tensor *dx, *dParameters;
    OP_REQUIRES_OK(context, context->forward_input_or_allocate_output({0}, 0, x.shape(), &dx));
    OP_REQUIRES_OK(context, context->allocate_output(1, {2, width}, &dParameters));
    layerNormGradient(deviceThreads(context), count, width, floats(context, 0), floats(context, 1), floats(context, 2),
                      floats(context, 3), floats(context, 4), floats(dx), floats(dParameters));
  }
};

REGISTER_KERNEL_BUILDER(Name("StfLayerNormGradient").Device(tensorflow::DEVICE_CPU), LayerNormGradientOperation);

}  // namespace stf
