// StfGlobalResponseNorm and its gradient as TensorFlow operations.
#pragma once

#include "globalResponseNorm.h"
#include "operation.h"

namespace stf {

// Rows of `images` images, one after the other.
class GlobalResponseOperation : public tensorflow::OpKernel {
 public:
  explicit GlobalResponseOperation(tensorflow::OpKernelConstruction* construction) : OpKernel(construction) {
    OP_REQUIRES_OK(construction, construction->GetAttr("images", &images_));
    OP_REQUIRES_OK(construction, construction->GetAttr("root_epsilon", &rootEpsilon_));
    OP_REQUIRES_OK(construction, construction->GetAttr("epsilon", &epsilon_));
    OP_REQUIRES(construction, images_ >= 0,
                absl::InvalidArgumentError(absl::StrCat("Expected a count of images but received ", images_)));
  }

 protected:
  absl::Status shapeOf(const tensorflow::Tensor& x, GlobalResponseShape* shape) const {
    const auto [rows, width] = rowsOf(x);
    if (x.dims() < 1 || (images_ == 0 ? rows != 0 : rows % images_ != 0))
      return absl::InvalidArgumentError(
          absl::StrCat("Expected rows of ", images_, " images but received ", x.shape().DebugString()));
    *shape = {images_, images_ == 0 ? 0 : rows / images_, width, rootEpsilon_, epsilon_};
    return absl::OkStatus();
  }

 private:
  int64_t images_;
  float rootEpsilon_;
  float epsilon_;
};

REGISTER_OP("StfGlobalResponseNorm")
    .Input("x: float")
    .Input("gamma: float")
    .Input("beta: float")
    .Output("y: float")
    .Output("norm: float")  // [images, C]
    .Attr("images: int")
    .Attr("root_epsilon: float")
    .Attr("epsilon: float")
    .SetShapeFn([](tensorflow::shape_inference::InferenceContext* c) {
      tensorflow::shape_inference::ShapeHandle x;
      int64_t images;
      TF_RETURN_IF_ERROR(c->WithRankAtLeast(c->input(0), 1, &x));
      TF_RETURN_IF_ERROR(c->GetAttr("images", &images));
      c->set_output(0, x);
      c->set_output(1, c->Matrix(images, c->Dim(x, -1)));
      return absl::OkStatus();
    });

class GlobalResponseNormOperation : public GlobalResponseOperation {
 public:
  using GlobalResponseOperation::GlobalResponseOperation;

  void Compute(tensorflow::OpKernelContext* context) override {
    const tensorflow::Tensor& x = context->input(0);
    GlobalResponseShape shape;
    OP_REQUIRES_OK(context, shapeOf(x, &shape));
    OP_REQUIRES(
        context, context->input(1).NumElements() == shape.width && context->input(2).NumElements() == shape.width,
        absl::InvalidArgumentError(absl::StrCat("Expected ", shape.width, " elements for gamma and beta but received ",
                                                context->input(1).NumElements(), " and ",
                                                context->input(2).NumElements())));
    tensorflow::Tensor *y, *norm;
    OP_REQUIRES_OK(context, context->allocate_output(0, x.shape(), &y));
    OP_REQUIRES_OK(context, context->allocate_output(1, {shape.images, shape.width}, &norm));
    globalResponseNorm(deviceThreads(context), shape, floats(context, 0), floats(context, 1), floats(context, 2),
                       floats(y), floats(norm));
  }
};

REGISTER_KERNEL_BUILDER(Name("StfGlobalResponseNorm").Device(tensorflow::DEVICE_CPU), GlobalResponseNormOperation);

REGISTER_OP("StfGlobalResponseNormGradient")
    .Input("dy: float")
    .Input("x: float")
    .Input("gamma: float")
    .Input("norm: float")
    .Output("dx: float")
    .Output("d_parameters: float")  // [2, C]: dγ, dβ
    .Attr("images: int")
    .Attr("root_epsilon: float")
    .Attr("epsilon: float")
    .SetShapeFn([](tensorflow::shape_inference::InferenceContext* c) {
      tensorflow::shape_inference::ShapeHandle x;
      TF_RETURN_IF_ERROR(c->WithRankAtLeast(c->input(1), 1, &x));
      c->set_output(0, x);
      c->set_output(1, c->Matrix(2, c->Dim(x, -1)));
      return absl::OkStatus();
    });

class GlobalResponseNormGradientOperation : public GlobalResponseOperation {
 public:
  using GlobalResponseOperation::GlobalResponseOperation;

  void Compute(tensorflow::OpKernelContext* context) override {
    const tensorflow::Tensor& x = context->input(1);
    GlobalResponseShape shape;
    OP_REQUIRES_OK(context, shapeOf(x, &shape));
    OP_REQUIRES(context,
                context->input(0).shape() == x.shape() && context->input(2).NumElements() == shape.width &&
                    context->input(3).NumElements() == shape.images * shape.width,
                absl::InvalidArgumentError(absl::StrCat("Expected operands of a global response norm over [",
                                                        shape.images, ",", shape.positions, ",", shape.width,
                                                        "] but received others")));
    tensorflow::Tensor *dx, *dParameters;
    OP_REQUIRES_OK(context, context->forward_input_or_allocate_output({0}, 0, x.shape(), &dx));
    OP_REQUIRES_OK(context, context->allocate_output(1, {2, shape.width}, &dParameters));
    globalResponseNormGradient(deviceThreads(context), shape, floats(context, 0), floats(context, 1),
                               floats(context, 2), floats(context, 3), floats(dx), floats(dParameters));
  }
};

REGISTER_KERNEL_BUILDER(Name("StfGlobalResponseNormGradient").Device(tensorflow::DEVICE_CPU),
                        GlobalResponseNormGradientOperation);

}  // namespace stf
